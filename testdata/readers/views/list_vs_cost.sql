-- key: source billing_month date billing_account_id billing_profile_id customer_tenant_id
-- key: subscription_id meter_category charge_type billing_currency
with lines as (
    select source, billing_month, date, billing_account_id, billing_profile_id, customer_tenant_id,
        subscription_id, meter_category, charge_type, billing_currency,
        customer_name, subscription_name, list_cost, list_cost_usd, cost, cost_usd,
        null::double as actual_cost, null::double as actual_cost_usd,
        is_usage, is_unpriced, is_unpriced_usd,
        adjusted_list_cost, adjusted_list_cost_usd, adjusted_cost, adjusted_cost_usd,
        billed_cost - cost as margin, billed_cost_usd - cost_usd as margin_usd,
        case when is_unbilled then cost else 0 end as unbilled_cost
    from adjusted
    union all
    select source, billing_month, date, billing_account_id, billing_profile_id, customer_tenant_id,
        subscription_id, meter_category, charge_type, billing_currency,
        customer_name, subscription_name, null, null, null, null, cost, cost_usd,
        false, false, false, null, null, null, null, null, null, null
    from typed where file = 'actual'
)
select source, billing_month, date, billing_account_id, billing_profile_id, customer_tenant_id,
    subscription_id, meter_category, charge_type, billing_currency,
    max(customer_name) as customer_name, max(subscription_name) as subscription_name,
    sum(list_cost) as list_cost, sum(cost) as cost,
    sum(cost) filter (where list_cost is not null) as priced_cost,
    sum(cost_usd) filter (where list_cost_usd is not null) as priced_cost_usd,
    case when count(cost) > 0 then coalesce(sum(cost) filter (where is_unpriced), 0) end as unpriced_cost,
    sum(actual_cost) as actual_cost,
    sum(adjusted_list_cost) as adjusted_list_cost, sum(adjusted_cost) as adjusted_cost,
    sum(margin) as margin, sum(unbilled_cost) as unbilled_cost,
    sum(adjusted_list_cost_usd) as adjusted_list_cost_usd,
    sum(adjusted_cost_usd) as adjusted_cost_usd, sum(margin_usd) as margin_usd,
    sum(list_cost_usd) as list_cost_usd, sum(cost_usd) as cost_usd,
    case when count(cost) > 0 then coalesce(sum(cost_usd) filter (where is_unpriced_usd), 0) end
        as unpriced_cost_usd,
    sum(actual_cost_usd) as actual_cost_usd,
    case when count(*) filter (where is_usage) = 0 then 'not_applicable'
        when count(*) filter (where is_unpriced) = 0 then 'available'
        when count(list_cost) > 0 then 'partial' else 'unknown' end as availability
from lines group by all
