-- Which source keeps the month of a subscription that several hold in one billing profile;
-- a source that tells no profile holds what is in any.
create table holdings as
with held as (
    select source, billing_month, lower(subscription_id) as subscription_id, billing_profile_id,
        count(*) filter (where file = 'amortized') as amortized_rows,
        count(*) filter (where file = 'actual') as actual_rows,
        sum(cost_usd) filter (where file = 'amortized') as amortized_cost_usd,
        sum(cost_usd) filter (where file = 'actual') as actual_cost_usd
    from typed where subscription_id is not null group by all
),
sized as (
    select *, amortized_rows > 0 as is_amortized,
        case when amortized_rows > 0 then amortized_rows else actual_rows end as rows,
        case when amortized_rows > 0 then amortized_cost_usd else actual_cost_usd end as cost_usd
    from held join sources using (source)
),
profiled as (
    select *, coalesce(billing_profile_id,
        max(billing_profile_id) over (partition by subscription_id, billing_month)) as profile
    from sized
)
select subscription_id, billing_profile_id, billing_month, source, scope_type, rows, cost_usd,
    first(source) over best as kept_source,
    count(*) over (partition by subscription_id, billing_month, profile) as sources
from profiled
window best as (
    partition by subscription_id, billing_month, profile
    order by is_amortized desc, width, rows desc, source
    rows between unbounded preceding and unbounded following
);

-- Which source keeps a month of what a billing profile and customer pay without a subscription.
create table holdings_without_subscription as
with held as (
    select distinct source, billing_month, billing_profile_id,
        lower(customer_tenant_id) as customer_tenant_id, width
    from priced join sources using (source) where subscription_id is null
)
select billing_month, billing_profile_id, customer_tenant_id,
    arg_min(source, (width, source)) as kept_source
from held group by all;
