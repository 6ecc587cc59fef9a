-- question: Which usage has no known list price, and why?
-- grain: source, billing_month, billing_currency, customer_tenant_id, pricing_model, meter_category, reason
-- sources: priced_cost
-- columns:
--   source: bill connect
--   billing_month: month, YYYY-MM
--   billing_currency: currency of cost
--   customer_tenant_id: customer
--   customer_name: its name
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
        customer_tenant_id,
        customer_name,
        pricing_model,
        meter_category,
        cost,
        cost_usd,
        case
            when quantity is null then 'the row has no quantity'
            when exchange_rate is null then 'the row has no exchange rate'
            when payg_price is null and meter_id is null then 'the row has no retail price and no meter'
            when pricing_model = 'Reservation'
                then 'Azure gives no retail price on reservation usage, and nobody used the meter on demand that month'
            else 'the row has no retail price, and nobody used the meter on demand that month'
        end as reason
    from priced_cost
    where list_cost_basis = 'unknown'
)

select
    source,
    billing_month,
    billing_currency,
    customer_tenant_id,
    max(customer_name) as customer_name,
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
    customer_tenant_id,
    pricing_model,
    meter_category,
    reason
