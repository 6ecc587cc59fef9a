-- question: At which scope does each source see the bill of a month, and which of its files are loaded?
-- grain: source, billing_month
-- sources: current_runs
-- columns:
--   source: bill connect
--   billing_month: month, YYYY-MM
--   scope_type: scope of the amortized run, which savings and margin are of; of the actual run where that tells none; NULL where neither a manifest, a flag nor the file's columns told
--   width: 1 for the widest scope, a billing account, to 4 for a subscription; 5 where unknown
--   scopes_differ: whether the actual file is of another scope than the amortized one, so that the two cannot be compared
--   has_actual_cost: whether the actual file is loaded
--   has_amortized_cost: whether the amortized file is loaded
with ranked as (
    select
        source,
        billing_month,
        scope_type,
        row_number() over (
            partition by source, billing_month
            order by scope_type is null, dataset = 'actual_cost'
        ) as recency,
        min(scope_type) over (partition by source, billing_month)
        <> max(scope_type) over (partition by source, billing_month) as scopes_differ,
        bool_or(dataset = 'actual_cost') over (
            partition by source, billing_month
        ) as has_actual_cost,
        bool_or(dataset = 'amortized_cost') over (
            partition by source, billing_month
        ) as has_amortized_cost
    from current_runs
    where dataset in ('actual_cost', 'amortized_cost')
)

select
    source,
    billing_month,
    scope_type,
    case scope_type
        when 'billing_account' then 1
        when 'billing_profile' then 2
        when 'customer_tenant' then 3
        when 'subscription' then 4
        else 5
    end as width,
    coalesce(scopes_differ, false) as scopes_differ,
    has_actual_cost,
    has_amortized_cost
from ranked
where recency = 1
