-- question: What did a meter cost on demand, at retail, in a month?
-- grain: source, billing_month, meter_key, product_key, pricing_currency
-- sources: cost_rows
-- rollup: source, billing_month
-- columns:
--   source: bill connect
--   billing_month: month, YYYY-MM
--   meter_key: meter id, lower-cased
--   product_key: product id, lower-cased
--   pricing_currency: currency of the rate
--   on_demand_rate: lowest retail price above 0 of the month's on-demand usage, pricing currency
with spellings as (
    select
        source,
        billing_month,
        meter_id,
        product_id,
        pricing_currency,
        min(payg_price) as on_demand_rate
    from cost_rows
    where
        dataset = 'amortized_cost'
        and charge_type = 'Usage'
        and pricing_model = 'OnDemand'
        and payg_price > 0
        and meter_id is not null
        and product_id is not null
    group by source, billing_month, meter_id, product_id, pricing_currency
)

select
    source,
    billing_month,
    lower(meter_id) as meter_key,
    lower(product_id) as product_key,
    pricing_currency,
    min(on_demand_rate) as on_demand_rate
from spellings
group by source, billing_month, lower(meter_id), lower(product_id), pricing_currency
