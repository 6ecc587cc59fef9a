-- question: Were as many rows read as each manifest promises?
-- sources: current_runs
select
    source,
    dataset,
    billing_month,
    run_id,
    manifest_row_count,
    rows,
    rejected_rows
from current_runs
where manifest_row_count is not null and manifest_row_count <> rows + rejected_rows
