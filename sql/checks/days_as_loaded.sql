-- question: Does every day and scope of every month hold the rows and the cost it was loaded with?
-- sources: actual_cost, amortized_cost, load_totals, ingest_runs, current_runs
with applied as (
    select
        ingest_runs.dataset,
        ingest_runs.source,
        ingest_runs.billing_month,
        ingest_runs.load_key
    from ingest_runs
    inner join current_runs
        on
            ingest_runs.dataset = current_runs.dataset
            and ingest_runs.source = current_runs.source
            and ingest_runs.billing_month = current_runs.billing_month
            and ingest_runs.table_version = current_runs.table_version
),

-- Stacked and grouped rather than joined: a NULL key then meets its like.
stacked as (
    select
        'actual_cost' as dataset,
        source,
        billing_month,
        date,
        billing_account_id,
        billing_profile_id,
        customer_tenant_id,
        subscription_id,
        billing_currency,
        count(*) as held_rows,
        sum(cost_in_billing_currency) as held_cost,
        coalesce(sum(cost_in_usd), 0) as held_cost_usd,
        0 as loaded_rows,
        0.0 as loaded_cost,
        0.0 as loaded_cost_usd
    from actual_cost
    group by
        source,
        billing_month,
        date,
        billing_account_id,
        billing_profile_id,
        customer_tenant_id,
        subscription_id,
        billing_currency
    union all
    select
        'amortized_cost' as dataset,
        source,
        billing_month,
        date,
        billing_account_id,
        billing_profile_id,
        customer_tenant_id,
        subscription_id,
        billing_currency,
        count(*) as held_rows,
        sum(cost_in_billing_currency) as held_cost,
        coalesce(sum(cost_in_usd), 0) as held_cost_usd,
        0 as loaded_rows,
        0.0 as loaded_cost,
        0.0 as loaded_cost_usd
    from amortized_cost
    group by
        source,
        billing_month,
        date,
        billing_account_id,
        billing_profile_id,
        customer_tenant_id,
        subscription_id,
        billing_currency
    union all
    select
        totals.dataset,
        totals.source,
        totals.billing_month,
        totals.date,
        totals.billing_account_id,
        totals.billing_profile_id,
        totals.customer_tenant_id,
        totals.subscription_id,
        totals.billing_currency,
        0 as held_rows,
        0.0 as held_cost,
        0.0 as held_cost_usd,
        totals.rows as loaded_rows,
        totals.cost as loaded_cost,
        totals.cost_usd as loaded_cost_usd
    from (select distinct * from load_totals) as totals
    inner join applied
        on
            totals.dataset = applied.dataset
            and totals.source = applied.source
            and totals.billing_month = applied.billing_month
            and totals.load_key = applied.load_key
)

select
    dataset,
    source,
    billing_month,
    date,
    billing_account_id,
    billing_profile_id,
    customer_tenant_id,
    subscription_id,
    billing_currency,
    sum(held_rows) as held_rows,
    sum(loaded_rows) as loaded_rows,
    sum(held_cost) as held_cost,
    sum(loaded_cost) as loaded_cost,
    sum(held_cost_usd) as held_cost_usd,
    sum(loaded_cost_usd) as loaded_cost_usd
from stacked
group by
    dataset,
    source,
    billing_month,
    date,
    billing_account_id,
    billing_profile_id,
    customer_tenant_id,
    subscription_id,
    billing_currency
having
    sum(held_rows) <> sum(loaded_rows)
    or sum(held_cost) <> sum(loaded_cost)
    or sum(held_cost_usd) <> sum(loaded_cost_usd)
