-- question: What do the rows of both files say, with Azure's spellings made one?
-- grain: one row per row of actual_cost and of amortized_cost
-- sources: actual_cost, amortized_cost
-- columns:
--   dataset: actual_cost or amortized_cost
--   source: bill connect
--   billing_month: month, YYYY-MM
--   date: UTC day
--   invoice_id: invoice; NULL until there is one
--   previous_invoice_id: invoice that a refund or adjustment corrects
--   billing_account_id: billing account
--   billing_account_name: its name
--   billing_profile_id: billing profile
--   billing_profile_name: its name
--   partner_name: partner; issues the invoice
--   reseller_mpn_id: tier-2 reseller
--   reseller_name: its name
--   customer_tenant_id: customer
--   customer_name: its name on that day
--   subscription_id: subscription; NULL on rows that belong to none
--   subscription_name: its name
--   resource_group_name: resource group
--   resource_id: ARM resource id
--   resource_location: location
--   location: normalized location
--   service_period_start_date: first day of the service period
--   service_period_end_date: end of the service period, as Azure writes it
--   service_family: service family
--   consumed_service: resource provider
--   meter_id: meter
--   meter_name: its name
--   meter_category: its category
--   meter_sub_category: its subcategory
--   meter_region: region it is priced for
--   product_id: product and SKU
--   product_name: its name
--   product_order_id: order
--   product_order_name: its name; Azure plan on consumption
--   charge_type: charge type; the older UnusedBenefit reads as UnusedReservation or UnusedSavingsPlan
--   pricing_model: OnDemand, Reservation, SavingsPlan or Spot; derived on usage of files that lack it
--   publisher_type: publisher type
--   publisher_name: publisher
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
--   exchange_rate: pricing to billing currency; 1 where both are the same and the file gives none or 0
--   quantity: quantity, in units of unit_of_measure
--   unit_of_measure: unit
--   payg_price: retail price, pricing currency; NULL where the file gives none or 0
--   unit_price: negotiated price, pricing currency; NULL where the file gives none, or 0 on a commitment row
--   effective_price: price after discounts and earned credit, pricing currency
--   cost: cost, billing currency
--   cost_usd: cost, USD
--   cost_in_pricing_currency: cost, pricing currency
--   payg_cost: retail cost, billing currency, as exported
--   payg_cost_usd: retail cost, USD, as exported
--   partner_earned_credit_rate: earned credit as a fraction
--   partner_earned_credit_applied: whether it is applied
--   additional_info: service details, JSON
--   tags: tags, JSON
--   provider: provider
with both_files as (
    select
        'actual_cost' as dataset,
        source,
        billing_month,
        date,
        invoice_id,
        previous_invoice_id,
        billing_account_id,
        billing_account_name,
        billing_profile_id,
        billing_profile_name,
        partner_name,
        reseller_mpn_id,
        reseller_name,
        customer_tenant_id,
        customer_name,
        subscription_id,
        subscription_name,
        resource_group_name,
        resource_id,
        resource_location,
        location,
        service_period_start_date,
        service_period_end_date,
        service_family,
        consumed_service,
        meter_id,
        meter_name,
        meter_category,
        meter_sub_category,
        meter_region,
        product_id,
        product_name,
        product_order_id,
        product_order_name,
        charge_type,
        pricing_model,
        publisher_type,
        publisher_name,
        frequency,
        term,
        reservation_id,
        reservation_name,
        benefit_id,
        benefit_name,
        billing_currency,
        pricing_currency,
        exchange_rate_pricing_to_billing,
        quantity,
        unit_of_measure,
        payg_price,
        unit_price,
        effective_price,
        cost_in_billing_currency,
        cost_in_usd,
        cost_in_pricing_currency,
        payg_cost_in_billing_currency,
        payg_cost_in_usd,
        partner_earned_credit_rate,
        partner_earned_credit_applied,
        additional_info,
        tags,
        provider
    from actual_cost
    union all
    select
        'amortized_cost' as dataset,
        source,
        billing_month,
        date,
        invoice_id,
        previous_invoice_id,
        billing_account_id,
        billing_account_name,
        billing_profile_id,
        billing_profile_name,
        partner_name,
        reseller_mpn_id,
        reseller_name,
        customer_tenant_id,
        customer_name,
        subscription_id,
        subscription_name,
        resource_group_name,
        resource_id,
        resource_location,
        location,
        service_period_start_date,
        service_period_end_date,
        service_family,
        consumed_service,
        meter_id,
        meter_name,
        meter_category,
        meter_sub_category,
        meter_region,
        product_id,
        product_name,
        product_order_id,
        product_order_name,
        charge_type,
        pricing_model,
        publisher_type,
        publisher_name,
        frequency,
        term,
        reservation_id,
        reservation_name,
        benefit_id,
        benefit_name,
        billing_currency,
        pricing_currency,
        exchange_rate_pricing_to_billing,
        quantity,
        unit_of_measure,
        payg_price,
        unit_price,
        effective_price,
        cost_in_billing_currency,
        cost_in_usd,
        cost_in_pricing_currency,
        payg_cost_in_billing_currency,
        payg_cost_in_usd,
        partner_earned_credit_rate,
        partner_earned_credit_applied,
        additional_info,
        tags,
        provider
    from amortized_cost
),

-- Azure's spellings have changed before: letter case and blanks do not count. Today's
-- are told at a glance, which most rows are.
spelled as (
    select
        *,
        case
            when
                charge_type in (
                    'Usage',
                    'Purchase',
                    'Refund',
                    'Tax',
                    'Credit',
                    'Adjustment',
                    'RoundingAdjustment',
                    'UnusedReservation',
                    'UnusedSavingsPlan'
                )
                then charge_type
            else
                case lower(replace(charge_type, ' ', ''))
                    when 'usage' then 'Usage'
                    when 'purchase' then 'Purchase'
                    when 'refund' then 'Refund'
                    when 'tax' then 'Tax'
                    when 'credit' then 'Credit'
                    when 'adjustment' then 'Adjustment'
                    when 'roundingadjustment' then 'RoundingAdjustment'
                    when 'unusedreservation' then 'UnusedReservation'
                    when 'unusedsavingsplan' then 'UnusedSavingsPlan'
                    when 'unusedbenefit'
                        then
                            case
                                when
                                    reservation_id is not null
                                    or lower(benefit_id) like '%/reservationorders/%'
                                    then 'UnusedReservation'
                                else 'UnusedSavingsPlan'
                            end
                    else charge_type
                end
        end as one_charge_type
    from both_files
),

priced as (
    select
        *,
        case
            when pricing_model in ('OnDemand', 'Reservation', 'SavingsPlan', 'Spot')
                then pricing_model
            when pricing_model is not null
                then
                    case lower(replace(pricing_model, ' ', ''))
                        when 'ondemand' then 'OnDemand'
                        when 'reservation' then 'Reservation'
                        when 'savingsplan' then 'SavingsPlan'
                        when 'spot' then 'Spot'
                        else pricing_model
                    end
            when coalesce(one_charge_type <> 'Usage', true) then null
            when reservation_id is not null then 'Reservation'
            when meter_name like '%Spot' then 'Spot'
            else 'OnDemand'
        end as one_pricing_model
    from spelled
),

flagged as (
    select
        *,
        coalesce(
            one_pricing_model in ('Reservation', 'SavingsPlan')
            or one_charge_type in ('UnusedReservation', 'UnusedSavingsPlan'),
            false
        ) as commitment_row
    from priced
)

select
    dataset,
    source,
    billing_month,
    date,
    invoice_id,
    previous_invoice_id,
    billing_account_id,
    billing_account_name,
    billing_profile_id,
    billing_profile_name,
    partner_name,
    reseller_mpn_id,
    reseller_name,
    customer_tenant_id,
    customer_name,
    subscription_id,
    subscription_name,
    resource_group_name,
    resource_id,
    resource_location,
    location,
    service_period_start_date,
    service_period_end_date,
    service_family,
    consumed_service,
    meter_id,
    meter_name,
    meter_category,
    meter_sub_category,
    meter_region,
    product_id,
    product_name,
    product_order_id,
    product_order_name,
    one_charge_type as charge_type,
    one_pricing_model as pricing_model,
    publisher_type,
    publisher_name,
    case
        when publisher_type in ('Azure', 'Microsoft') then false
        else coalesce(lower(publisher_type) = 'marketplace', false)
    end as is_marketplace,
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
        nullif(exchange_rate_pricing_to_billing, 0),
        case when pricing_currency = billing_currency then 1 end
    ) as exchange_rate,
    quantity,
    unit_of_measure,
    nullif(payg_price, 0) as payg_price,
    case when commitment_row then nullif(unit_price, 0) else unit_price end as unit_price,
    effective_price,
    cost_in_billing_currency as cost,
    cost_in_usd as cost_usd,
    cost_in_pricing_currency,
    payg_cost_in_billing_currency as payg_cost,
    payg_cost_in_usd as payg_cost_usd,
    partner_earned_credit_rate,
    partner_earned_credit_applied,
    additional_info,
    tags,
    provider
from flagged
