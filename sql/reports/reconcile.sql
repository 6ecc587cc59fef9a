-- report: Reconciliation
-- question: Does the lake hold what Azure's manifests promise, and what do the invoices bill?
-- scopes: source

-- section: findings
-- title: What does not agree
-- note: Months that are missing, that hold other than as many rows as their manifest promises, or that were loaded while Azure could still change them.
-- if empty: Every month is loaded, final, and holds as many rows as its manifest promises.
with asked as (
    select
        sources.source,
        datasets.column1 as dataset,
        to_char(calendar.first_day, '%Y-%m') as billing_month
    from (select distinct source from current_runs) as sources
    cross join (values ('actual_cost'), ('amortized_cost')) as datasets
    cross join (
        select
            unnest(
                generate_series(
                    cast($first_month || '-01' as date),
                    cast($last_month || '-01' as date),
                    interval '1 month'
                )
            ) as first_day
    ) as calendar
),

-- Months before the first that is loaded, and those to come, are in no calendar of the lake.
expected as (
    select
        coalesce(months.source, asked.source) as source,
        coalesce(months.dataset, asked.dataset) as dataset,
        coalesce(months.billing_month, asked.billing_month) as billing_month,
        coalesce(months.status, 'missing') as status,
        months.period,
        months.is_final
    from asked
    full outer join months
        on
            asked.source = months.source
            and asked.dataset = months.dataset
            and asked.billing_month = months.billing_month
)

select
    expected.source as scope_id,
    expected.source,
    expected.billing_month,
    expected.dataset,
    case
        when expected.status = 'missing' then 'missing: not in the lake, so unknown'
        when runs.manifest_row_count <> runs.rows + runs.rejected_rows
            then 'other than as many rows as promised'
        when expected.period = 'open' then 'open: an estimate until Azure closes the month'
        when expected.is_final is null then 'it is unknown when Azure wrote it'
        else 'written before the month closed: load it again'
    end as finding,
    runs.manifest_row_count as promised_rows,
    runs.rows as loaded_rows,
    runs.rejected_rows
from expected
left join current_runs as runs
    on
        expected.source = runs.source
        and expected.dataset = runs.dataset
        and expected.billing_month = runs.billing_month
where
    expected.billing_month between $first_month and $last_month
    and (
        expected.status = 'missing'
        or expected.is_final is not true
        or runs.manifest_row_count <> runs.rows + runs.rejected_rows
    )
order by source, billing_month, dataset;

-- section: loads
-- title: Loads against manifests
-- aside: run_id, data_version, rows_outside_month
-- note: Promised rows are the manifest's; it is unknown where the export has no manifest.
-- totals: promised_rows, loaded_rows, rejected_rows
select
    source as scope_id,
    source,
    billing_month,
    dataset,
    run_id,
    data_version,
    manifest_row_count as promised_rows,
    rows as loaded_rows,
    rejected_rows,
    rows_outside_month,
    manifest_row_count - rows - rejected_rows as missing_rows,
    submitted_at,
    loaded_at
from current_runs
where billing_month between $first_month and $last_month
order by source, billing_month, dataset;

-- section: totals
-- title: The lake against what was loaded
-- note: Loaded is counted and added up while the file was read; held is what the lake answers now.
-- totals: loaded_rows, held_rows, loaded_cost, held_cost, difference
with loads as (
    select
        runs.dataset,
        runs.source,
        runs.billing_month,
        unnest(runs.control_totals) as totals
    from ingest_runs as runs
    inner join current_runs
        on
            runs.dataset = current_runs.dataset
            and runs.source = current_runs.source
            and runs.billing_month = current_runs.billing_month
            and runs.table_version = current_runs.table_version
    where
        runs.dataset in ('actual_cost', 'amortized_cost')
        and runs.billing_month between $first_month and $last_month
),

-- Stacked and grouped rather than joined: a NULL currency then meets its like.
stacked as (
    select
        dataset,
        source,
        billing_month,
        nullif(totals['billing_currency'], '') as billing_currency,
        totals['rows'] as loaded_rows,
        totals['cost_in_billing_currency'] as loaded_cost,
        0 as held_rows,
        0.0 as held_cost
    from loads
    union all
    select
        dataset,
        source,
        billing_month,
        billing_currency,
        0 as loaded_rows,
        0.0 as loaded_cost,
        rows as held_rows,
        cost as held_cost
    from scope_totals
    where billing_month between $first_month and $last_month
)

select
    source as scope_id,
    source,
    billing_month,
    dataset,
    billing_currency,
    sum(loaded_rows) as loaded_rows,
    sum(held_rows) as held_rows,
    sum(loaded_cost) as loaded_cost,
    sum(held_cost) as held_cost,
    sum(held_cost) - sum(loaded_cost) as difference
from stacked
group by source, billing_month, dataset, billing_currency
order by source, billing_currency, billing_month, dataset;

-- section: invoices
-- title: Invoices
-- aside: corrects_invoice_id, billing_profile_id
-- note: What the actual file bills, by invoice. Without an invoice id: not invoiced yet.
-- totals: billed_cost, tax, total_cost
-- if empty: No actual cost is loaded.
select
    source as scope_id,
    source,
    invoice_id,
    billing_profile_name,
    billing_month,
    billing_currency,
    rows,
    usage_cost,
    purchase_cost,
    refund_cost,
    other_cost,
    billed_cost,
    tax,
    total_cost,
    corrects_invoice_id,
    billing_profile_id
from invoice_totals
where billing_month between $first_month and $last_month
order by source, billing_currency, billing_month, invoice_id nulls last, billing_profile_id;

-- section: files
-- title: Actual against amortized
-- note: Both files tell the same bill. They differ by what is bought and by what of earlier purchases is used up. Where they are of different scopes, they cannot be compared.
-- totals: actual_cost, amortized_cost, difference
with summed as (
    select
        source,
        billing_month,
        billing_currency,
        charge_type,
        coalesce(sum(cost) filter (where dataset = 'actual_cost'), 0) as actual_cost,
        coalesce(sum(cost) filter (where dataset = 'amortized_cost'), 0) as amortized_cost
    from scope_totals
    where billing_month between $first_month and $last_month
    group by source, billing_month, billing_currency, charge_type
),

-- Of a file that is not loaded it is unknown.
known as (
    select
        summed.source,
        summed.billing_month,
        summed.billing_currency,
        summed.charge_type,
        case
            when months.has_actual_cost and not months.scopes_differ then summed.actual_cost
        end as actual_cost,
        case when months.has_amortized_cost then summed.amortized_cost end as amortized_cost
    from summed
    inner join month_scopes as months
        on
            summed.source = months.source
            and summed.billing_month = months.billing_month
)

select
    source as scope_id,
    source,
    billing_month,
    billing_currency,
    charge_type,
    actual_cost,
    amortized_cost,
    amortized_cost - actual_cost as difference
from known
order by source, billing_currency, billing_month, charge_type
