-- question: Which months does the lake hold, which are missing, and which may still change?
-- grain: source, dataset, billing_month
-- sources: current_runs
-- columns:
--   source: bill connect
--   dataset: table of the dataset: both cost datasets, and the others the source has any month of
--   billing_month: month, YYYY-MM, from the first loaded month of the cost datasets, or of another dataset, through the current one
--   status: loaded or missing; a missing month is unknown, not free of cost
--   period: open while Azure may still change the month (through the 5th day after it), then closed
--   is_final: whether the loaded run was submitted after the period closed; NULL where missing or the time is unknown
--   run_id: Azure's id of the run it holds
--   rows: rows it holds
--   rejected_rows: rows that could not be read
--   rows_outside_month: rows whose day lies outside the month
--   submitted_at: when Azure submitted the run, UTC
--   loaded_at: when the run was applied, UTC
with loaded as (
    select
        *,
        -- Both cost datasets are expected for every month of either.
        case when dataset in ('actual_cost', 'amortized_cost') then 'cost' else dataset end
            as expected_as
    from current_runs
),

spans as (
    select
        source,
        expected_as,
        min(billing_month) as first_month,
        max(billing_month) as last_month
    from loaded
    group by source, expected_as
),

calendar as (
    select
        spans.source,
        spans.expected_as,
        unnest(
            generate_series(
                cast(spans.first_month || '-01' as date),
                greatest(
                    cast(spans.last_month || '-01' as date),
                    cast(date_trunc('month', current_date()) as date)
                ),
                interval '1 month'
            )
        ) as first_day
    from spans
),

datasets as (
    select
        column1 as expected_as,
        column2 as dataset
    from
        (
            values
            ('cost', 'actual_cost'),
            ('cost', 'amortized_cost'),
            ('price_sheet', 'price_sheet'),
            ('reservation_details', 'reservation_details'),
            ('reservation_transactions', 'reservation_transactions'),
            ('reservation_recommendations', 'reservation_recommendations')
        )
),

expected as (
    select
        calendar.source,
        datasets.dataset,
        to_char(calendar.first_day, '%Y-%m') as billing_month,
        cast(calendar.first_day + interval '1 month' + interval '5 days' as date) as closed_from
    from calendar
    inner join datasets on calendar.expected_as = datasets.expected_as
)

select
    expected.source,
    expected.dataset,
    expected.billing_month,
    case when current_runs.run_id is null then 'missing' else 'loaded' end as status,
    case when current_date() < expected.closed_from then 'open' else 'closed' end as period,
    cast(current_runs.submitted_at as date) >= expected.closed_from as is_final,
    current_runs.run_id,
    current_runs.rows,
    current_runs.rejected_rows,
    current_runs.rows_outside_month,
    current_runs.submitted_at,
    current_runs.loaded_at
from expected
left join current_runs
    on
        expected.source = current_runs.source
        and expected.dataset = current_runs.dataset
        and expected.billing_month = current_runs.billing_month
