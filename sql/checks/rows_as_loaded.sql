-- question: Does every month hold exactly the rows and the money its run was loaded with?
-- sources: actual_cost, amortized_cost, price_sheet, reservation_details, reservation_transactions, reservation_recommendations, ingest_runs, current_runs
with held as (
    select
        'actual_cost' as dataset,
        source,
        billing_month,
        billing_currency,
        count(*) as rows,
        sum(cost_in_billing_currency) as cost,
        coalesce(sum(payg_cost_in_billing_currency), 0) as payg_cost,
        coalesce(sum(cost_in_usd), 0) as cost_usd
    from actual_cost
    group by source, billing_month, billing_currency
    union all
    select
        'amortized_cost' as dataset,
        source,
        billing_month,
        billing_currency,
        count(*) as rows,
        sum(cost_in_billing_currency) as cost,
        coalesce(sum(payg_cost_in_billing_currency), 0) as payg_cost,
        coalesce(sum(cost_in_usd), 0) as cost_usd
    from amortized_cost
    group by source, billing_month, billing_currency
    -- Of the other datasets the rows are counted, by the currency they name.
    union all
    select
        'price_sheet' as dataset,
        source,
        billing_month,
        currency as billing_currency,
        count(*) as rows,
        cast(null as decimal(38, 18)) as cost,
        cast(null as decimal(38, 18)) as payg_cost,
        cast(null as decimal(38, 18)) as cost_usd
    from price_sheet
    group by source, billing_month, currency
    union all
    select
        'reservation_details' as dataset,
        source,
        billing_month,
        cast(null as varchar) as billing_currency,
        count(*) as rows,
        cast(null as decimal(38, 18)) as cost,
        cast(null as decimal(38, 18)) as payg_cost,
        cast(null as decimal(38, 18)) as cost_usd
    from reservation_details
    group by source, billing_month
    union all
    select
        'reservation_transactions' as dataset,
        source,
        billing_month,
        currency as billing_currency,
        count(*) as rows,
        cast(null as decimal(38, 18)) as cost,
        cast(null as decimal(38, 18)) as payg_cost,
        cast(null as decimal(38, 18)) as cost_usd
    from reservation_transactions
    group by source, billing_month, currency
    union all
    select
        'reservation_recommendations' as dataset,
        source,
        billing_month,
        cast(null as varchar) as billing_currency,
        count(*) as rows,
        cast(null as decimal(38, 18)) as cost,
        cast(null as decimal(38, 18)) as payg_cost,
        cast(null as decimal(38, 18)) as cost_usd
    from reservation_recommendations
    group by source, billing_month
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
        totals['cost_in_billing_currency'] as cost,
        totals['payg_cost_in_billing_currency'] as payg_cost,
        totals['cost_in_usd'] as cost_usd
    from applied
),

-- Stacked and grouped rather than joined: a NULL currency then meets its like.
stacked as (
    select
        dataset,
        source,
        billing_month,
        billing_currency,
        rows as held_rows,
        cost as held_cost,
        payg_cost as held_payg_cost,
        cost_usd as held_cost_usd,
        0 as loaded_rows,
        0.0 as loaded_cost,
        0.0 as loaded_payg_cost,
        0.0 as loaded_cost_usd
    from held
    union all
    select
        dataset,
        source,
        billing_month,
        billing_currency,
        0 as held_rows,
        0.0 as held_cost,
        0.0 as held_payg_cost,
        0.0 as held_cost_usd,
        rows as loaded_rows,
        cost as loaded_cost,
        payg_cost as loaded_payg_cost,
        cost_usd as loaded_cost_usd
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
    sum(loaded_cost) as loaded_cost,
    sum(held_payg_cost) as held_payg_cost,
    sum(loaded_payg_cost) as loaded_payg_cost,
    sum(held_cost_usd) as held_cost_usd,
    sum(loaded_cost_usd) as loaded_cost_usd
from stacked
group by dataset, source, billing_month, billing_currency
having
    sum(held_rows) <> sum(loaded_rows)
    or sum(held_cost) <> sum(loaded_cost)
    or sum(held_payg_cost) <> sum(loaded_payg_cost)
    or sum(held_cost_usd) <> sum(loaded_cost_usd)
