-- question: Which rows does a reservation or savings plan cause, and which one is it?
-- grain: one row per row of cost_rows that a commitment causes: usage and idle share from the amortized file, purchases and refunds from the actual file
-- sources: cost_rows, month_scopes
-- columns:
--   source: bill connect; those at subscription scope have no such rows
--   billing_month: month, YYYY-MM
--   date: UTC day
--   part: used, unused, purchase or refund
--   kind: Reservation or SavingsPlan
--   order_id: order, lower-cased
--   commitment_id: reservation or savings plan, lower-cased; NULL on rows that name the order only
--   benefit_name: name of the commitment
--   product_name: product
--   region: region, as the row names it
--   term_months: term in months
--   frequency: OneTime, Recurring, UsageBased
--   billing_account_id: billing account
--   billing_profile_id: billing profile
--   customer_tenant_id: customer
--   customer_name: its name on that day
--   subscription_id: subscription
--   subscription_name: its name
--   quantity: quantity, in units of unit_of_measure
--   unit_of_measure: unit
--   billing_currency: currency of cost
--   cost: cost, billing currency; refunds are negative
--   cost_usd: cost, USD
with candidates as (
    select
        cost_rows.*,
        lower(benefit_id) as benefit_path,
        -- /providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{id} and
        -- /providers/Microsoft.BillingBenefits/savingsPlanOrders/{order}/savingsPlans/{id}
        split_part(lower(benefit_id), 'orders/', 2) as benefit_tail,
        case
            when dataset = 'amortized_cost' and charge_type = 'Usage' then 'used'
            when
                dataset = 'amortized_cost'
                and charge_type in ('UnusedReservation', 'UnusedSavingsPlan')
                then 'unused'
            when dataset = 'actual_cost' and charge_type = 'Purchase' then 'purchase'
            when dataset = 'actual_cost' and charge_type = 'Refund' then 'refund'
        end as part
    from cost_rows
    where is_commitment or benefit_id is not null or reservation_id is not null
),

named as (
    select
        *,
        case
            when benefit_path like '%reservationorders/%' then 'Reservation'
            when benefit_path like '%savingsplanorders/%' then 'SavingsPlan'
            when pricing_model in ('Reservation', 'SavingsPlan') then pricing_model
            when charge_type = 'UnusedSavingsPlan' then 'SavingsPlan'
            else 'Reservation'
        end as kind,
        coalesce(nullif(split_part(benefit_tail, '/', 1), ''), lower(product_order_id)) as order_id
    from candidates
    where part is not null
)

select
    named.source,
    named.billing_month,
    date,
    part,
    kind,
    order_id,
    -- A purchase may bear the order's id where the reservation's belongs.
    coalesce(
        nullif(split_part(benefit_tail, '/', 3), ''),
        nullif(lower(reservation_id), order_id)
    ) as commitment_id,
    coalesce(benefit_name, reservation_name) as benefit_name,
    product_name,
    coalesce(meter_region, resource_location, location) as region,
    term as term_months,
    frequency,
    billing_account_id,
    billing_profile_id,
    customer_tenant_id,
    customer_name,
    subscription_id,
    subscription_name,
    quantity,
    unit_of_measure,
    billing_currency,
    cost,
    cost_usd
from named
left join month_scopes
    on
        named.source = month_scopes.source
        and named.billing_month = month_scopes.billing_month
where month_scopes.scope_type is distinct from 'subscription'
