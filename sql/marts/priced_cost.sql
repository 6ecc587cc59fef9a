-- question: What would each amortized row have cost at list price, and how is that known?
-- grain: one row per row of amortized_cost
-- sources: cost_rows, on_demand_rates, price_sheet_rates
-- columns:
--   source: bill connect
--   billing_month: month, YYYY-MM
--   date: UTC day
--   billing_account_id: billing account
--   billing_account_name: its name
--   billing_profile_id: billing profile
--   billing_profile_name: its name
--   reseller_mpn_id: tier-2 reseller
--   reseller_name: its name
--   customer_tenant_id: customer
--   customer_name: its name on that day
--   subscription_id: subscription; NULL on rows that belong to none
--   subscription_name: its name
--   resource_group_name: resource group
--   resource_id: ARM resource id
--   resource_location: location
--   service_family: service family
--   consumed_service: resource provider
--   meter_id: meter
--   meter_name: its name
--   meter_category: its category
--   meter_sub_category: its subcategory
--   product_id: product and SKU
--   product_name: its name
--   product_order_id: order
--   product_order_name: its name; Azure plan on consumption
--   charge_type: charge type
--   pricing_model: OnDemand, Reservation, SavingsPlan or Spot
--   publisher_type: publisher type
--   is_commitment: whether a reservation or savings plan covers or causes the row
--   frequency: OneTime, Recurring, UsageBased
--   term: term in months
--   reservation_id: reservation
--   reservation_name: its name
--   benefit_id: ARM path of the reservation or savings plan
--   benefit_name: its name
--   billing_currency: currency of cost, list_cost and contracted_cost
--   pricing_currency: currency of prices
--   exchange_rate: pricing to billing currency
--   quantity: quantity, in units of unit_of_measure
--   unit_of_measure: unit
--   payg_price: retail price, pricing currency; NULL where not given
--   unit_price: negotiated price, pricing currency; NULL where not given
--   effective_price: price after discounts and earned credit, pricing currency
--   list_rate: retail rate the row itself does not tell, pricing currency; only where list_cost_basis is price_sheet or on_demand_rate
--   cost: amortized cost, billing currency
--   cost_usd: amortized cost, USD
--   list_cost: cost at list price, billing currency; NULL where not applicable or unknown, never 0 for unknown
--   list_cost_usd: cost at list price, USD
--   list_cost_basis: how list_cost is known: export, payg_price, price_sheet, on_demand_rate; else not_applicable or unknown
--   contracted_cost: cost at the negotiated price, billing currency; list_cost where no negotiated price is given
--   contracted_cost_usd: cost at the negotiated price, USD
--   partner_earned_credit_rate: earned credit as a fraction
--   partner_earned_credit_applied: whether it is applied
--   invoice_id: invoice; NULL until there is one
--   partner_name: partner; issues the invoice
--   publisher_name: publisher
--   location: normalized location
--   meter_region: region the meter is priced for
--   cost_in_pricing_currency: amortized cost, pricing currency
--   additional_info: service details, JSON
--   tags: tags, JSON
--   provider: provider
with wanting as (
    select
        *,
        coalesce(charge_type = 'Usage', false) and not is_marketplace as has_list_price,
        -- Only rows without a retail price of their own look for a rate: the
        -- others carry no key and join nothing.
        case when payg_price is null then lower(meter_id) end as meter_key,
        case when payg_price is null then lower(product_id) end as product_key,
        case when payg_price is null then replace(lower(product_id), '/', '') end as sheet_product_key,
        case when payg_price is null then lower(billing_profile_id) end as billing_profile_key,
        case when payg_price is null then lower(unit_of_measure) end as unit_key
    from cost_rows
    where dataset = 'amortized_cost'
),

based as (
    select
        wanting.*,
        coalesce(sheets.price_sheet_rate, rates.on_demand_rate) as other_rate,
        quantity * exchange_rate as billed_units,
        case
            when not has_list_price then 'not_applicable'
            when payg_price is not null and payg_cost is not null then 'export'
            when payg_price is not null and quantity is not null and exchange_rate is not null
                then 'payg_price'
            when quantity is null or exchange_rate is null then 'unknown'
            when sheets.price_sheet_rate is not null then 'price_sheet'
            when rates.on_demand_rate is not null then 'on_demand_rate'
            else 'unknown'
        end as list_cost_basis
    from wanting
    left join on_demand_rates as rates
        on
            wanting.source = rates.source
            and wanting.billing_month = rates.billing_month
            and wanting.meter_key = rates.meter_key
            and wanting.product_key = rates.product_key
            and wanting.pricing_currency = rates.pricing_currency
    -- A price sheet belongs to a billing profile, whichever source brought it.
    left join price_sheet_rates as sheets
        on
            wanting.billing_profile_key = sheets.billing_profile_key
            and wanting.billing_month = sheets.billing_month
            and wanting.meter_key = sheets.meter_key
            and wanting.sheet_product_key = sheets.product_key
            and wanting.unit_key = sheets.unit_key
            and wanting.pricing_currency = sheets.pricing_currency
),

listed as (
    select
        *,
        case
            when list_cost_basis = 'export' then payg_cost
            when list_cost_basis = 'payg_price' then payg_price * billed_units
            when list_cost_basis in ('price_sheet', 'on_demand_rate') then other_rate * billed_units
        end as list_cost,
        case
            when list_cost_basis = 'export' and payg_cost_usd is not null then payg_cost_usd
            when pricing_currency is distinct from 'USD' then null
            when list_cost_basis in ('export', 'payg_price') then payg_price * quantity
            when list_cost_basis in ('price_sheet', 'on_demand_rate') then other_rate * quantity
        end as list_cost_usd
    from based
)

select
    source,
    billing_month,
    date,
    billing_account_id,
    billing_account_name,
    billing_profile_id,
    billing_profile_name,
    reseller_mpn_id,
    reseller_name,
    customer_tenant_id,
    customer_name,
    subscription_id,
    subscription_name,
    resource_group_name,
    resource_id,
    resource_location,
    service_family,
    consumed_service,
    meter_id,
    meter_name,
    meter_category,
    meter_sub_category,
    product_id,
    product_name,
    product_order_id,
    product_order_name,
    charge_type,
    pricing_model,
    publisher_type,
    is_commitment,
    frequency,
    term,
    reservation_id,
    reservation_name,
    benefit_id,
    benefit_name,
    billing_currency,
    pricing_currency,
    exchange_rate,
    quantity,
    unit_of_measure,
    payg_price,
    unit_price,
    effective_price,
    case when list_cost_basis in ('price_sheet', 'on_demand_rate') then other_rate end as list_rate,
    cost,
    cost_usd,
    list_cost,
    list_cost_usd,
    list_cost_basis,
    coalesce(unit_price * billed_units, list_cost) as contracted_cost,
    coalesce(
        case when pricing_currency = 'USD' then unit_price * quantity end,
        list_cost_usd
    ) as contracted_cost_usd,
    partner_earned_credit_rate,
    partner_earned_credit_applied,
    invoice_id,
    partner_name,
    publisher_name,
    location,
    meter_region,
    cost_in_pricing_currency,
    additional_info,
    tags,
    provider
from listed
