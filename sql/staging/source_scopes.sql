-- question: At which scope does each source see the bill?
-- grain: source
-- sources: current_runs
-- columns:
--   source: bill connect
--   scope_type: scope of its latest amortized run, which commitments and savings are of, or of its latest actual run where there is none; NULL where neither a manifest, a flag nor the file's columns told
with ranked as (
    select
        source,
        scope_type,
        row_number() over (
            partition by source
            order by dataset = 'actual_cost', loaded_at desc, billing_month desc
        ) as recency
    from current_runs
    where dataset in ('actual_cost', 'amortized_cost')
)

select
    source,
    scope_type
from ranked
where recency = 1
