-- question: What does a meter cost at retail, by the price sheet of a billing profile?
-- grain: billing_profile_key, billing_month, meter_key, product_key, unit_key, pricing_currency
-- sources: price_sheet
-- columns:
--   billing_profile_key: billing profile, lower-cased
--   billing_month: month, YYYY-MM
--   meter_key: meter id, lower-cased
--   product_key: product id with the SKU id joined to it, as cost files write it; lower-cased, without the slash that some have between the two
--   unit_key: unit of measure, lower-cased
--   pricing_currency: currency of the rate
--   price_sheet_rate: lowest market price above 0 of all tiers of consumption, pricing currency
select
    billing_profile_id as billing_profile_key,
    billing_month,
    lower(meter_id) as meter_key,
    replace(
        case
            when sku_id is null or lower(product_id) like '%' || lower(sku_id) then lower(product_id)
            else lower(product_id || sku_id)
        end,
        '/',
        ''
    ) as product_key,
    lower(unit_of_measure) as unit_key,
    currency as pricing_currency,
    min(market_price) as price_sheet_rate
from price_sheet
where
    lower(price_type) = 'consumption'
    and market_price > 0
    and billing_profile_id is not null
    and meter_id is not null
    and product_id is not null
group by 1, 2, 3, 4, 5, 6
