-- key: scope_type scope_id billing_month billing_currency
with judged as (
    select priced_in_scopes.* replace (lower(scope_id) as scope_id),
        coalesce(holdings.kept_source, without.kept_source) = priced_in_scopes.source as is_kept,
        sources.scope_type = 'subscription' as is_at_subscription
    from priced_in_scopes
    join sources on sources.source = priced_in_scopes.source
    left join holdings on holdings.source = priced_in_scopes.source
        and holdings.billing_month = priced_in_scopes.billing_month
        and holdings.subscription_id = lower(priced_in_scopes.subscription_id)
        and holdings.billing_profile_id is not distinct from priced_in_scopes.billing_profile_id
    left join holdings_without_subscription without
        on priced_in_scopes.subscription_id is null
        and without.billing_month = priced_in_scopes.billing_month
        and without.billing_profile_id is not distinct from priced_in_scopes.billing_profile_id
        and without.customer_tenant_id is not distinct from lower(priced_in_scopes.customer_tenant_id)
),
sums as (
    select scope_type, scope_id, billing_month, billing_currency,
        string_agg(distinct source, ', ' order by source) filter (where is_kept) as sources,
        string_agg(distinct source, ', ' order by source) filter (where not is_kept)
            as left_out_sources,
        bool_and(is_at_subscription) filter (where is_kept) as only_at_subscription,
        bool_or(is_at_subscription) filter (where is_kept) as partly_at_subscription,
        count(*) filter (where is_kept and is_unpriced) as unpriced,
        count(*) filter (where is_kept and is_usage and not is_unpriced) as priced,
        sum(list_cost) filter (where is_kept) as list_cost,
        sum(cost) filter (where is_kept and list_cost is not null) as cost,
        sum(list_cost - cost) filter (where is_kept and not is_at_subscription) as gross_savings,
        coalesce(sum(cost) filter (where is_kept and charge_type like 'Unused%'
            and not is_at_subscription), 0) as unused_cost,
        coalesce(sum(cost) filter (where is_kept and is_unpriced), 0) as unpriced_cost
    from judged group by all
)
select scope_type, scope_id, billing_month, billing_currency, sources, left_out_sources,
    case when priced > 0 or unpriced = 0 then coalesce(list_cost, 0) end as list_cost,
    case when priced > 0 or unpriced = 0 then coalesce(cost, 0) end as cost,
    case when not only_at_subscription then unused_cost end as unused_cost,
    case when not only_at_subscription and (priced > 0 or unpriced = 0 or unused_cost <> 0)
        then coalesce(gross_savings, 0) - unused_cost end as savings,
    unpriced_cost,
    case when only_at_subscription then 'subscription_scope'
        when priced = 0 and unpriced > 0 then 'unknown'
        when unpriced > 0 or partly_at_subscription then 'partial'
        else 'available' end as availability
from sums where sources is not null
