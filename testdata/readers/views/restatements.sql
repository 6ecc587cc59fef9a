-- key: source dataset billing_month run_id date billing_account_id billing_profile_id
-- key: customer_tenant_id subscription_id billing_currency
with days as (
    select source, file, billing_month, run_id, date, billing_account_id, billing_profile_id,
        lower(customer_tenant_id) as customer_tenant_id, lower(subscription_id) as subscription_id,
        billing_currency, count(*) as rows, sum(exact_cost) as cost, sum(exact_cost_usd) as cost_usd
    from typed_in_loads group by all
),
pairs as (
    select *, lag(run_id) over (partition by source, file, billing_month order by place)
        as previous_run_id
    from loads
),
sides as (
    select pairs.source, pairs.file, pairs.billing_month, pairs.run_id, previous_run_id,
        days.run_id = pairs.run_id as is_after,
        days.* exclude (source, file, billing_month, run_id)
    from pairs
    join days on days.source = pairs.source and days.file = pairs.file
        and days.billing_month = pairs.billing_month
        and days.run_id in (pairs.run_id, previous_run_id)
    where previous_run_id is not null
),
compared as (
    select source, file, billing_month, run_id, previous_run_id, date, billing_account_id,
        billing_profile_id, customer_tenant_id, subscription_id, billing_currency,
        coalesce(sum(rows) filter (where not is_after), 0) as rows_before,
        coalesce(sum(rows) filter (where is_after), 0) as rows_after,
        coalesce(sum(cost) filter (where not is_after), 0) as cost_before,
        coalesce(sum(cost) filter (where is_after), 0) as cost_after,
        coalesce(sum(cost_usd) filter (where not is_after), 0) as cost_before_usd,
        coalesce(sum(cost_usd) filter (where is_after), 0) as cost_after_usd
    from sides group by all
)
select source, file || '_cost' as dataset, billing_month, run_id, previous_run_id, date,
    billing_account_id, billing_profile_id, customer_tenant_id, subscription_id, billing_currency,
    case when rows_before = 0 then 'added' when rows_after = 0 then 'removed' else 'restated' end
        as change,
    rows_before, rows_after, cost_before::double as cost_before, cost_after::double as cost_after,
    (cost_after - cost_before)::double as cost_change, cost_before_usd::double as cost_before_usd,
    cost_after_usd::double as cost_after_usd,
    (cost_after_usd - cost_before_usd)::double as cost_change_usd
from compared
where (rows_before, cost_before, cost_before_usd) <> (rows_after, cost_after, cost_after_usd)
