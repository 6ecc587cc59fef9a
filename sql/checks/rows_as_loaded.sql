-- question: Does every month hold exactly the rows and the cost its run was loaded with?
-- sources: actual_cost, amortized_cost, ingest_runs, current_runs
with held as (
    select
        'actual_cost' as dataset,
        source,
        billing_month,
        billing_currency,
        count(*) as rows,
        sum(cost_in_billing_currency) as cost
    from actual_cost
    group by source, billing_month, billing_currency
    union all
    select
        'amortized_cost' as dataset,
        source,
        billing_month,
        billing_currency,
        count(*) as rows,
        sum(cost_in_billing_currency) as cost
    from amortized_cost
    group by source, billing_month, billing_currency
),

applied as (
    select
        ingest_runs.dataset,
        ingest_runs.source,
        ingest_runs.billing_month,
        unnest(ingest_runs.control_totals) as totals
    from ingest_runs
    inner join current_runs
        on
            ingest_runs.dataset = current_runs.dataset
            and ingest_runs.source = current_runs.source
            and ingest_runs.billing_month = current_runs.billing_month
            and ingest_runs.table_version = current_runs.table_version
),

loaded as (
    select
        dataset,
        source,
        billing_month,
        nullif(totals['billing_currency'], '') as billing_currency,
        totals['rows'] as rows,
        totals['cost_in_billing_currency'] as cost
    from applied
),

stacked as (
    select dataset, source, billing_month, billing_currency, rows as held_rows, 0 as loaded_rows, cost as held_cost, 0.0 as loaded_cost
    from held
    union all
    select dataset, source, billing_month, billing_currency, 0 as held_rows, rows as loaded_rows, 0.0 as held_cost, cost as loaded_cost
    from loaded
)

select
    dataset,
    source,
    billing_month,
    billing_currency,
    sum(held_rows) as held_rows,
    sum(loaded_rows) as loaded_rows,
    sum(held_cost) as held_cost,
    sum(loaded_cost) as loaded_cost
from stacked
group by dataset, source, billing_month, billing_currency
having sum(held_rows) <> sum(loaded_rows) or sum(held_cost) <> sum(loaded_cost)
