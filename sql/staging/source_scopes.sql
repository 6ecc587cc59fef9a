-- question: At which scope does each source see the bill?
-- grain: source
-- sources: current_runs
-- columns:
--   source: bill connect
--   scope_type: scope of its latest cost run; NULL where neither a manifest, a flag nor the file's columns told
with ranked as (
    select
        source,
        scope_type,
        row_number() over (partition by source order by loaded_at desc, billing_month desc, dataset) as recency
    from current_runs
    where dataset in ('actual_cost', 'amortized_cost')
)

select
    source,
    scope_type
from ranked
where recency = 1
