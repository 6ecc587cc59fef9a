-- question: Which subscription and month does more than one source hold?
-- grain: subscription_id, billing_profile_id, billing_month, source
-- sources: scope_totals, month_scopes
-- columns:
--   subscription_id: subscription, lower-cased
--   billing_profile_id: billing profile the source bills it to; NULL where the source does not tell. A subscription that moves from one to another is in both, and overlaps in each on its own
--   billing_month: month, YYYY-MM
--   source: one of the sources that hold it
--   scope_type: scope that source sees the bill of the month at
--   is_kept: whether consolidated views take the month from this source: of those with amortized rows the one of the widest scope, then the one with most rows, then the first by name
--   kept_source: source that is kept
--   sources: number of sources that hold it
--   rows: rows of the amortized file, of the actual file where that is not loaded
--   cost_usd: their cost, USD
with held as (
    select
        lower(subscription_id) as subscription_id,
        billing_profile_id,
        billing_month,
        source,
        count(*) filter (where dataset = 'amortized_cost') > 0 as is_amortized,
        coalesce(sum(rows) filter (where dataset = 'amortized_cost'), sum(rows)) as rows,
        coalesce(sum(cost_usd) filter (where dataset = 'amortized_cost'), sum(cost_usd))
            as cost_usd
    from scope_totals
    where subscription_id is not null
    group by lower(subscription_id), billing_profile_id, billing_month, source
),

-- A source that tells no billing profile holds what another bills to one.
contested as (
    select
        held.*,
        month_scopes.scope_type,
        month_scopes.width,
        coalesce(
            held.billing_profile_id,
            max(held.billing_profile_id) over (partition by held.subscription_id, held.billing_month)
        ) as contested_profile_id
    from held
    left join month_scopes
        on
            held.source = month_scopes.source
            and held.billing_month = month_scopes.billing_month
),

ranked as (
    select
        *,
        count(*) over (
            partition by subscription_id, billing_month, contested_profile_id
        ) as sources,
        row_number() over by_width as width_rank,
        first_value(source) over by_width as kept_source
    from contested
    window by_width as (
        partition by subscription_id, billing_month, contested_profile_id
        order by is_amortized desc, width, rows desc, source
    )
)

select
    subscription_id,
    billing_profile_id,
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
