-- question: What do the amortized rows say, with Azure's spellings made one?
-- grain: one row per row of amortized_cost
-- sources: amortized_cost
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
--   charge_type: charge type; the older UnusedBenefit reads as UnusedReservation or UnusedSavingsPlan
--   pricing_model: OnDemand, Reservation, SavingsPlan or Spot; derived on usage of files that lack it
--   publisher_type: publisher type
--   is_marketplace: whether a third party sells it through the marketplace
--   is_commitment: whether a reservation or savings plan covers or causes the row
--   frequency: OneTime, Recurring, UsageBased
--   term: term in months
--   reservation_id: reservation
--   reservation_name: its name
--   benefit_id: ARM path of the reservation or savings plan
--   benefit_name: its name
--   billing_currency: currency of billed amounts
--   pricing_currency: currency of prices
--   exchange_rate: pricing to billing currency; 1 where both are the same and the file gives none
--   quantity: quantity, in units of unit_of_measure
--   unit_of_measure: unit
--   payg_price: retail price, pricing currency; NULL where the file gives none or 0
--   unit_price: negotiated price, pricing currency; NULL where the file gives none, or 0 on a commitment row
--   effective_price: price after discounts and earned credit, pricing currency
--   cost: amortized cost, billing currency
--   cost_usd: amortized cost, USD
--   payg_cost: retail cost, billing currency, as exported
--   payg_cost_usd: retail cost, USD, as exported
--   partner_earned_credit_rate: earned credit as a fraction
--   partner_earned_credit_applied: whether it is applied
--   tags: tags, JSON
--   provider: provider
with spelled as (
    select
        *,
        case
            when charge_type <> 'UnusedBenefit' then charge_type
            when reservation_id is not null then 'UnusedReservation'
            when charge_type = 'UnusedBenefit' then 'UnusedSavingsPlan'
        end as one_charge_type,
        case
            when pricing_model = 'On Demand' then 'OnDemand'
            when pricing_model = 'Savings Plan' then 'SavingsPlan'
            when pricing_model is not null then pricing_model
            when charge_type <> 'Usage' then null
            when reservation_id is not null then 'Reservation'
            when meter_name like '%Spot' then 'Spot'
            else 'OnDemand'
        end as one_pricing_model
    from amortized_cost
),

flagged as (
    select
        *,
        coalesce(
            one_pricing_model in ('Reservation', 'SavingsPlan')
            or one_charge_type in ('UnusedReservation', 'UnusedSavingsPlan'),
            false
        ) as commitment_row
    from spelled
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
    one_charge_type as charge_type,
    one_pricing_model as pricing_model,
    publisher_type,
    coalesce(lower(publisher_type) = 'marketplace', false) as is_marketplace,
    commitment_row as is_commitment,
    frequency,
    term,
    reservation_id,
    reservation_name,
    benefit_id,
    benefit_name,
    billing_currency,
    pricing_currency,
    coalesce(
        exchange_rate_pricing_to_billing,
        case when pricing_currency = billing_currency then 1 end
    ) as exchange_rate,
    quantity,
    unit_of_measure,
    nullif(payg_price, 0) as payg_price,
    case when commitment_row then nullif(unit_price, 0) else unit_price end as unit_price,
    effective_price,
    cost_in_billing_currency as cost,
    cost_in_usd as cost_usd,
    payg_cost_in_billing_currency as payg_cost,
    payg_cost_in_usd as payg_cost_usd,
    partner_earned_credit_rate,
    partner_earned_credit_applied,
    tags,
    provider
from flagged
