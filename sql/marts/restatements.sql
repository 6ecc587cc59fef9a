-- question: What did each load of a month change against the load before it?
-- grain: source, dataset, billing_month, run_id, loaded_at, date, billing_account_id, billing_profile_id, customer_tenant_id, subscription_id, billing_currency
-- sources: ingest_runs, load_totals
-- columns:
--   source: bill connect
--   dataset: actual_cost or amortized_cost
--   billing_month: month, YYYY-MM
--   run_id: Azure's id of the run that changed it
--   loaded_at: when it was applied, UTC
--   previous_run_id: run the month held before
--   previous_loaded_at: when that was applied, UTC
--   date: UTC day
--   billing_account_id: billing account
--   billing_profile_id: billing profile, lower-cased
--   customer_tenant_id: customer, lower-cased
--   subscription_id: subscription, lower-cased; NULL for rows that belong to none
--   billing_currency: currency of the amounts; two are never added
--   change: added: the day and subscription had no rows before; removed: it has none now; restated: it had others; unknown: what one of the two loads held was never kept, so this one row stands for the load, without day and amounts
--   rows_before: rows before
--   rows_after: rows after
--   cost_before: cost before, billing currency
--   cost_after: cost after, billing currency
--   cost_change: cost_after - cost_before, billing currency; 0 where only the number of rows differs
--   cost_before_usd: cost_before, USD
--   cost_after_usd: cost_after, USD
--   cost_change_usd: cost_change, USD
with loads as (
    select
        source,
        dataset,
        billing_month,
        run_id,
        load_key,
        loaded_at,
        rows,
        lag(rows) over of_month as previous_rows,
        lag(run_id) over of_month as previous_run_id,
        lag(load_key) over of_month as previous_load_key,
        lag(loaded_at) over of_month as previous_loaded_at
    from ingest_runs
    where dataset in ('actual_cost', 'amortized_cost')
    window of_month as (
        partition by source, dataset, billing_month
        order by table_version, loaded_at
    )
),

known_loads as (
    select distinct
        source,
        dataset,
        billing_month,
        load_key
    from load_totals
),

-- The same content applied again changes nothing.
changes as (
    select
        loads.*,
        -- A load of no rows leaves no totals.
        (known.load_key is not null or loads.rows = 0)
        and (known_before.load_key is not null or loads.previous_rows = 0) as is_known
    from loads
    left join known_loads as known
        on
            loads.source = known.source
            and loads.dataset = known.dataset
            and loads.billing_month = known.billing_month
            and loads.load_key = known.load_key
    left join known_loads as known_before
        on
            loads.source = known_before.source
            and loads.dataset = known_before.dataset
            and loads.billing_month = known_before.billing_month
            and loads.previous_load_key = known_before.load_key
    where loads.previous_load_key <> loads.load_key
),

totals as (
    select
        source,
        dataset,
        billing_month,
        load_key,
        date,
        lower(billing_account_id) as billing_account_id,
        billing_profile_id,
        lower(customer_tenant_id) as customer_tenant_id,
        lower(subscription_id) as subscription_id,
        billing_currency,
        rows,
        cost,
        cost_usd
    -- Once, however often somebody wrote them.
    from (select distinct * from load_totals)
),

-- Stacked and grouped rather than joined: a NULL key then meets its like.
stacked as (
    select
        changes.source,
        changes.dataset,
        changes.billing_month,
        changes.run_id,
        changes.loaded_at,
        changes.previous_run_id,
        changes.previous_loaded_at,
        totals.date,
        totals.billing_account_id,
        totals.billing_profile_id,
        totals.customer_tenant_id,
        totals.subscription_id,
        totals.billing_currency,
        totals.rows as rows_before,
        0 as rows_after,
        totals.cost as cost_before,
        0.0 as cost_after,
        totals.cost_usd as cost_before_usd,
        0.0 as cost_after_usd
    from changes
    inner join totals
        on
            changes.source = totals.source
            and changes.dataset = totals.dataset
            and changes.billing_month = totals.billing_month
            and changes.previous_load_key = totals.load_key
    where changes.is_known
    union all
    select
        changes.source,
        changes.dataset,
        changes.billing_month,
        changes.run_id,
        changes.loaded_at,
        changes.previous_run_id,
        changes.previous_loaded_at,
        totals.date,
        totals.billing_account_id,
        totals.billing_profile_id,
        totals.customer_tenant_id,
        totals.subscription_id,
        totals.billing_currency,
        0 as rows_before,
        totals.rows as rows_after,
        0.0 as cost_before,
        totals.cost as cost_after,
        0.0 as cost_before_usd,
        totals.cost_usd as cost_after_usd
    from changes
    inner join totals
        on
            changes.source = totals.source
            and changes.dataset = totals.dataset
            and changes.billing_month = totals.billing_month
            and changes.load_key = totals.load_key
    where changes.is_known
),

compared as (
    select
        source,
        dataset,
        billing_month,
        run_id,
        loaded_at,
        previous_run_id,
        previous_loaded_at,
        date,
        billing_account_id,
        billing_profile_id,
        customer_tenant_id,
        subscription_id,
        billing_currency,
        sum(rows_before) as rows_before,
        sum(rows_after) as rows_after,
        sum(cost_before) as cost_before,
        sum(cost_after) as cost_after,
        sum(cost_before_usd) as cost_before_usd,
        sum(cost_after_usd) as cost_after_usd
    from stacked
    group by
        source,
        dataset,
        billing_month,
        run_id,
        loaded_at,
        previous_run_id,
        previous_loaded_at,
        date,
        billing_account_id,
        billing_profile_id,
        customer_tenant_id,
        subscription_id,
        billing_currency
)

select
    source,
    dataset,
    billing_month,
    run_id,
    loaded_at,
    previous_run_id,
    previous_loaded_at,
    date,
    billing_account_id,
    billing_profile_id,
    customer_tenant_id,
    subscription_id,
    billing_currency,
    case
        when rows_before = 0 then 'added'
        when rows_after = 0 then 'removed'
        else 'restated'
    end as change,
    rows_before,
    rows_after,
    cost_before,
    cost_after,
    cost_after - cost_before as cost_change,
    cost_before_usd,
    cost_after_usd,
    cost_after_usd - cost_before_usd as cost_change_usd
from compared
where rows_before <> rows_after or cost_before <> cost_after or cost_before_usd <> cost_after_usd
union all
select
    source,
    dataset,
    billing_month,
    run_id,
    loaded_at,
    previous_run_id,
    previous_loaded_at,
    null as date,
    null as billing_account_id,
    null as billing_profile_id,
    null as customer_tenant_id,
    null as subscription_id,
    null as billing_currency,
    'unknown' as change,
    null as rows_before,
    null as rows_after,
    null as cost_before,
    null as cost_after,
    null as cost_change,
    null as cost_before_usd,
    null as cost_after_usd,
    null as cost_change_usd
from changes
where not is_known
