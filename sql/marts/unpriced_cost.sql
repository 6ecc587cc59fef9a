-- question: Which usage has no known list price, and why?
-- grain: source, billing_month, billing_currency, billing_account_id, billing_profile_id, reseller_mpn_id, customer_tenant_id, subscription_id, pricing_model, meter_category, reason
-- sources: priced_cost, scope_names
-- columns:
--   source: bill connect
--   billing_month: month, YYYY-MM
--   billing_currency: currency of cost
--   billing_account_id: billing account
--   billing_profile_id: billing profile
--   reseller_mpn_id: tier-2 reseller
--   customer_tenant_id: customer
--   customer_name: its name at the end of the month
--   subscription_id: subscription
--   pricing_model: OnDemand, Reservation, SavingsPlan or Spot
--   meter_category: meter category
--   reason: why no rule of list_cost_basis applies
--   rows: usage rows
--   cost: their amortized cost, billing currency
--   cost_usd: their amortized cost, USD
with unknown as (
    select
        source,
        billing_month,
        billing_currency,
        billing_account_id,
        billing_profile_id,
        reseller_mpn_id,
        customer_tenant_id,
        subscription_id,
        pricing_model,
        meter_category,
        cost,
        cost_usd,
        case
            when quantity is null then 'the row has no quantity'
            when exchange_rate is null then 'the row has no exchange rate'
            when payg_price is null and meter_id is null then 'the row has no retail price and no meter'
            when pricing_model = 'Reservation'
                then 'Azure gives no retail price on reservation usage, nobody used the meter on demand that month, and no price sheet in the lake has it'
            else 'the row has no retail price, nobody used the meter on demand that month, and no price sheet in the lake has it'
        end as reason
    from priced_cost
    where list_cost_basis = 'unknown'
),

grouped as (
    select
        source,
        billing_month,
        billing_currency,
        billing_account_id,
        billing_profile_id,
        reseller_mpn_id,
        customer_tenant_id,
        subscription_id,
        pricing_model,
        meter_category,
        reason,
        count(*) as rows,
        sum(cost) as cost,
        sum(cost_usd) as cost_usd
    from unknown
    group by
        source,
        billing_month,
        billing_currency,
        billing_account_id,
        billing_profile_id,
        reseller_mpn_id,
        customer_tenant_id,
        subscription_id,
        pricing_model,
        meter_category,
        reason
)

select
    grouped.source,
    grouped.billing_month,
    grouped.billing_currency,
    grouped.billing_account_id,
    grouped.billing_profile_id,
    grouped.reseller_mpn_id,
    grouped.customer_tenant_id,
    scope_names.scope_name as customer_name,
    grouped.subscription_id,
    grouped.pricing_model,
    grouped.meter_category,
    grouped.reason,
    grouped.rows,
    grouped.cost,
    grouped.cost_usd
from grouped
left join scope_names
    on
        grouped.source = scope_names.source
        and grouped.billing_month = scope_names.billing_month
        and scope_names.scope_type = 'customer_tenant'
        and grouped.customer_tenant_id = scope_names.scope_id
