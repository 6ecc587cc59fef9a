-- key: scope_type scope_id source billing_month billing_currency
with sums as (
    select scope_type, scope_id, source, billing_month, billing_currency,
        count(*) filter (where is_unpriced) as unpriced,
        count(*) filter (where is_usage and not is_unpriced) as priced,
        count(*) filter (where is_unpriced_usd) as unpriced_in_usd,
        count(*) filter (where is_usage and not is_unpriced_usd) as priced_in_usd,
        coalesce(sum(list_cost), 0) as list_cost,
        coalesce(sum(cost) filter (where list_cost is not null), 0) as cost,
        coalesce(sum(cost) filter (where charge_type like 'Unused%'), 0) as unused_cost,
        coalesce(sum(cost) filter (where is_unpriced), 0) as unpriced_cost,
        coalesce(sum(list_cost_usd), 0) as list_cost_usd,
        coalesce(sum(cost_usd) filter (where list_cost_usd is not null), 0) as cost_usd,
        coalesce(sum(cost_usd) filter (where charge_type like 'Unused%'), 0) as unused_cost_usd,
        coalesce(sum(cost_usd) filter (where is_unpriced_usd), 0) as unpriced_cost_usd
    from priced_in_scopes group by all
),
told as (
    select sums.* replace (
            case when priced > 0 or unpriced = 0 then list_cost end as list_cost,
            case when priced > 0 or unpriced = 0 then cost end as cost,
            case when sources.scope_type <> 'subscription' then unused_cost end as unused_cost,
            case when priced_in_usd > 0 or unpriced_in_usd = 0 then list_cost_usd end as list_cost_usd,
            case when priced_in_usd > 0 or unpriced_in_usd = 0 then cost_usd end as cost_usd,
            case when sources.scope_type <> 'subscription' then unused_cost_usd end as unused_cost_usd
        ),
        case when sources.scope_type = 'subscription' then 'subscription_scope'
            when unpriced = 0 then 'available' when priced > 0 then 'partial'
            else 'unknown' end as availability
    from sums join sources using (source)
)
select scope_type, scope_id, scope_name, source, billing_month, billing_currency,
    list_cost, cost, unused_cost,
    case when list_cost is not null or unused_cost <> 0
        then coalesce(list_cost - cost, 0) - unused_cost end as savings,
    100 * (list_cost - cost - unused_cost) / nullif(list_cost, 0) as savings_pct,
    unpriced_cost,
    100 * coalesce(cost, 0) / nullif(coalesce(cost, 0) + unpriced_cost, 0) as priced_coverage_pct,
    list_cost_usd, cost_usd, unused_cost_usd,
    case when list_cost_usd is not null or unused_cost_usd <> 0
        then coalesce(list_cost_usd - cost_usd, 0) - unused_cost_usd end as savings_usd,
    unpriced_cost_usd, availability
from told left join names_in_month using (source, billing_month, scope_type, scope_id)
