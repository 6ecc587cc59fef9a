-- question: Which subscription and month does more than one source hold?
-- grain: subscription_id, billing_month, source
-- sources: cost_rows, source_scopes
-- columns:
--   subscription_id: subscription, lower-cased
--   billing_month: month, YYYY-MM
--   source: one of the sources that hold it
--   scope_type: scope that source sees the bill at
--   is_kept: whether consolidated views take the month from this source: the one of the widest scope; of equals one with amortized rows, then the one with most rows, then the first by name
--   kept_source: source that is kept
--   sources: number of sources that hold it
--   rows: rows of the amortized file, of the actual file where that is not loaded
--   cost_usd: their cost, USD
with held as (
    select
        lower(subscription_id) as subscription_id,
        billing_month,
        source,
        count(*) filter (where dataset = 'amortized_cost') > 0 as is_amortized,
        coalesce(
            nullif(count(*) filter (where dataset = 'amortized_cost'), 0),
            count(*)
        ) as rows,
        coalesce(
            sum(cost_usd) filter (where dataset = 'amortized_cost'),
            sum(cost_usd)
        ) as cost_usd
    from cost_rows
    where subscription_id is not null
    group by lower(subscription_id), billing_month, source
),

ranked as (
    select
        held.subscription_id,
        held.billing_month,
        held.source,
        source_scopes.scope_type,
        held.rows,
        held.cost_usd,
        count(*) over (partition by held.subscription_id, held.billing_month) as sources,
        row_number() over (
            partition by held.subscription_id, held.billing_month
            order by
                case source_scopes.scope_type
                    when 'billing_account' then 1
                    when 'billing_profile' then 2
                    when 'customer_tenant' then 3
                    when 'subscription' then 4
                    else 5
                end,
                held.is_amortized desc,
                held.rows desc,
                held.source
        ) as width_rank,
        first_value(held.source) over (
            partition by held.subscription_id, held.billing_month
            order by
                case source_scopes.scope_type
                    when 'billing_account' then 1
                    when 'billing_profile' then 2
                    when 'customer_tenant' then 3
                    when 'subscription' then 4
                    else 5
                end,
                held.is_amortized desc,
                held.rows desc,
                held.source
        ) as kept_source
    from held
    left join source_scopes on held.source = source_scopes.source
)

select
    subscription_id,
    billing_month,
    source,
    scope_type,
    width_rank = 1 as is_kept,
    kept_source,
    sources,
    rows,
    cost_usd
from ranked
where sources > 1
