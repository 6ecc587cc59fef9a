-- question: Which export run does each month hold now?
-- grain: source, dataset, billing_month
-- sources: ingest_runs
-- columns:
--   source: bill connect
--   dataset: table the run was loaded into, e.g. actual_cost
--   billing_month: month, YYYY-MM
--   run_id: Azure's id of the export run
--   scope_type: billing_account, billing_profile, customer_tenant or subscription
--   scope_id: ARM path of the scope, where known
--   data_version: version of Azure's dataset
--   manifest_row_count: data rows the manifest promises; NULL for runs without a manifest
--   rows: rows loaded
--   rejected_rows: rows that could not be read and are in rejected_rows
--   rows_outside_month: rows loaded whose day lies outside the month
--   submitted_at: when Azure submitted the run, UTC
--   loaded_at: when the run was applied, UTC
--   table_version: version of that table that holds it
with ranked as (
    select
        source,
        dataset,
        billing_month,
        run_id,
        scope_type,
        scope_id,
        data_version,
        manifest_row_count,
        rows,
        rejected_rows,
        rows_outside_month,
        submitted_at,
        loaded_at,
        table_version,
        row_number() over (
            partition by source, dataset, billing_month
            order by table_version desc, loaded_at desc
        ) as recency
    from ingest_runs
)

select
    source,
    dataset,
    billing_month,
    run_id,
    scope_type,
    scope_id,
    data_version,
    manifest_row_count,
    rows,
    rejected_rows,
    rows_outside_month,
    submitted_at,
    loaded_at,
    table_version
from ranked
where recency = 1
