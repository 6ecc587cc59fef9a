-- key: scope_type scope_id source billing_month billing_currency
with movable as (
    select committed.*,
        unnest([
            {'scope_type': 'billing_account', 'consumer': committed.billing_account_id,
                'owner': owners.billing_account_id},
            {'scope_type': 'billing_profile', 'consumer': committed.billing_profile_id,
                'owner': owners.billing_profile_id},
            {'scope_type': 'customer_tenant', 'consumer': committed.customer_tenant_id,
                'owner': owners.customer_tenant_id},
            {'scope_type': 'subscription', 'consumer': committed.subscription_id,
                'owner': owners.subscription_id}
        ], recursive := true)
    from committed
    left join owners on committed.source = owners.source and committed.kind = owners.kind
        and committed.order_id = owners.order_id
        and committed.commitment_id is not distinct from owners.commitment_id
    where part <> 'bought'
),
lines as (
    select scope_type, scope_id, source, billing_month, billing_currency,
        case when file = 'actual' then 'actual' else 'amortized' end as what, cost, cost_usd
    from typed_in_scopes
    union all
    select scope_type, scope_id, source, billing_month, billing_currency, 'consumed', cost, cost_usd
    from priced_in_scopes
    where not (charge_type like 'Unused%'
        and source in (select source from committed)
        and (benefit_path is not null or reservation_id is not null))
    union all
    select scope_type, consumer, source, billing_month, billing_currency, 'in', cost, cost_usd
    from movable where part = 'used' and consumer is distinct from owner
    union all
    select scope_type, owner, source, billing_month, billing_currency, 'out', cost, cost_usd
    from movable where part = 'used' and consumer is distinct from owner
    union all
    select scope_type, owner, source, billing_month, billing_currency, 'idle', cost, cost_usd
    from movable where part = 'unused'
),
sums as (
    select scope_type, scope_id, source, billing_month, billing_currency,
        coalesce(sum(cost) filter (where what = 'actual'), 0) as actual_cost,
        coalesce(sum(cost) filter (where what = 'amortized'), 0) as amortized_cost,
        coalesce(sum(cost) filter (where what = 'in'), 0) as moved_in,
        coalesce(sum(cost) filter (where what = 'out'), 0) as moved_out,
        coalesce(sum(cost) filter (where what = 'idle'), 0) as unused_cost,
        coalesce(sum(cost) filter (where what in ('consumed', 'idle')), 0) as reallocated_cost,
        coalesce(sum(cost_usd) filter (where what = 'actual'), 0) as actual_cost_usd,
        coalesce(sum(cost_usd) filter (where what = 'amortized'), 0) as amortized_cost_usd,
        coalesce(sum(case what when 'in' then cost_usd when 'out' then -cost_usd end), 0)
            as moved_cost_usd,
        coalesce(sum(cost_usd) filter (where what = 'idle'), 0) as unused_cost_usd,
        coalesce(sum(cost_usd) filter (where what in ('consumed', 'idle')), 0)
            as reallocated_cost_usd
    from lines group by all
),
told as (
    select sums.*, moved_in - moved_out as moved_cost, 'available' as availability
    from sums join sources using (source)
    where sources.scope_type <> 'subscription'
    union all by name
    select sums.scope_type, scope_id, source, billing_month, billing_currency,
        actual_cost, amortized_cost, actual_cost_usd, amortized_cost_usd,
        'subscription_scope' as availability
    from sums join sources using (source)
    where sources.scope_type = 'subscription'
)
select told.*, scope_name
from told left join names_in_month using (source, billing_month, scope_type, scope_id)
