-- question: Who consumed what, beside who paid for it?
-- grain: scope_type, scope_id, source, billing_month, billing_currency
-- sources: scope_totals, commitment_days, commitment_totals, scope_names, month_scopes
-- columns:
--   scope_type: billing_account, billing_profile, customer_tenant or subscription
--   scope_id: id of the scope; NULL holds the rows that belong to none, and commitments whose purchaser is unknown
--   scope_name: its name at the end of the month
--   source: bill connect
--   billing_month: month, YYYY-MM
--   billing_currency: currency of the amounts; two are never added
--   actual_cost: what the scope paid, from the actual file, billing currency
--   amortized_cost: its rows of the amortized file, billing currency
--   moved_in: amortized cost of other scopes' commitments that it consumed, billing currency
--   moved_out: amortized cost of its own commitments that other scopes consumed, billing currency
--   moved_cost: moved_in - moved_out, billing currency; sums to zero over a source, month and currency
--   unused_cost: idle cost of the commitments it purchased; it stays with the purchaser, billing currency
--   reallocated_cost: what it consumed and the idle cost of what it purchased, billing currency; sums to the amortized cost of the source
--   actual_cost_usd: actual_cost, USD
--   amortized_cost_usd: amortized_cost, USD
--   moved_cost_usd: moved_cost, USD
--   unused_cost_usd: unused_cost, USD
--   reallocated_cost_usd: reallocated_cost, USD
--   availability: available; subscription_scope: Azure shows no commitments there, so nothing can be moved
with scope_types as (
    select column1 as scope_type
    from (values ('billing_account'), ('billing_profile'), ('customer_tenant'), ('subscription'))
),

-- What each commitment cost each consumer, beside its purchaser.
consumed as (
    select
        rows.source,
        rows.billing_month,
        rows.billing_currency,
        rows.part,
        rows.billing_account_id,
        rows.billing_profile_id,
        rows.customer_tenant_id,
        rows.subscription_id,
        owners.owner_billing_account_id,
        owners.owner_billing_profile_id,
        owners.owner_customer_tenant_id,
        owners.owner_subscription_id,
        sum(rows.cost) as cost,
        sum(rows.cost_usd) as cost_usd
    from commitment_days as rows
    left join commitment_totals as owners
        on
            rows.source = owners.source
            and rows.kind = owners.kind
            and rows.order_id = owners.order_id
            and coalesce(rows.commitment_id, rows.order_id)
            = coalesce(owners.commitment_id, owners.order_id)
            and rows.billing_currency = owners.billing_currency
    where rows.part in ('used', 'unused')
    group by
        rows.source,
        rows.billing_month,
        rows.billing_currency,
        rows.part,
        rows.billing_account_id,
        rows.billing_profile_id,
        rows.customer_tenant_id,
        rows.subscription_id,
        owners.owner_billing_account_id,
        owners.owner_billing_profile_id,
        owners.owner_customer_tenant_id,
        owners.owner_subscription_id
),

placed as (
    select
        source,
        billing_month,
        billing_currency,
        part,
        scope_types.scope_type,
        case scope_types.scope_type
            when 'billing_account' then billing_account_id
            when 'billing_profile' then billing_profile_id
            when 'customer_tenant' then customer_tenant_id
            else subscription_id
        end as consumer_id,
        case scope_types.scope_type
            when 'billing_account' then owner_billing_account_id
            when 'billing_profile' then owner_billing_profile_id
            when 'customer_tenant' then owner_customer_tenant_id
            else owner_subscription_id
        end as owner_id,
        cost,
        cost_usd
    from consumed
    cross join scope_types
),

entries as (
    select
        case
            when grouping(billing_account_id) = 0 then 'billing_account'
            when grouping(billing_profile_id) = 0 then 'billing_profile'
            when grouping(customer_tenant_id) = 0 then 'customer_tenant'
            else 'subscription'
        end as scope_type,
        coalesce(
            billing_account_id, billing_profile_id, customer_tenant_id, subscription_id
        ) as scope_id,
        source,
        billing_month,
        billing_currency,
        sum(cost) filter (where dataset = 'actual_cost') as actual_cost,
        sum(cost) filter (where dataset = 'amortized_cost') as amortized_cost,
        sum(cost) filter (
            where
                dataset = 'amortized_cost'
                and charge_type in ('UnusedReservation', 'UnusedSavingsPlan')
        ) as unused_here,
        sum(cost_usd) filter (where dataset = 'actual_cost') as actual_cost_usd,
        sum(cost_usd) filter (where dataset = 'amortized_cost') as amortized_cost_usd,
        sum(cost_usd) filter (
            where
                dataset = 'amortized_cost'
                and charge_type in ('UnusedReservation', 'UnusedSavingsPlan')
        ) as unused_here_usd,
        cast(null as decimal(38, 18)) as moved_in,
        cast(null as decimal(38, 18)) as moved_out,
        cast(null as decimal(38, 18)) as unused_owned,
        cast(null as decimal(38, 18)) as moved_in_usd,
        cast(null as decimal(38, 18)) as moved_out_usd,
        cast(null as decimal(38, 18)) as unused_owned_usd
    from scope_totals
    group by grouping sets (
        (source, billing_month, billing_currency, billing_account_id),
        (source, billing_month, billing_currency, billing_profile_id),
        (source, billing_month, billing_currency, customer_tenant_id),
        (source, billing_month, billing_currency, subscription_id)
    )
    union all
    select
        scope_type,
        consumer_id as scope_id,
        source,
        billing_month,
        billing_currency,
        null as actual_cost,
        null as amortized_cost,
        null as unused_here,
        null as actual_cost_usd,
        null as amortized_cost_usd,
        null as unused_here_usd,
        cost as moved_in,
        null as moved_out,
        null as unused_owned,
        cost_usd as moved_in_usd,
        null as moved_out_usd,
        null as unused_owned_usd
    from placed
    where part = 'used' and (consumer_id is distinct from owner_id)
    union all
    select
        scope_type,
        owner_id as scope_id,
        source,
        billing_month,
        billing_currency,
        null as actual_cost,
        null as amortized_cost,
        null as unused_here,
        null as actual_cost_usd,
        null as amortized_cost_usd,
        null as unused_here_usd,
        null as moved_in,
        case when part = 'used' and (consumer_id is distinct from owner_id) then cost end
            as moved_out,
        case when part = 'unused' then cost end as unused_owned,
        null as moved_in_usd,
        case when part = 'used' and (consumer_id is distinct from owner_id) then cost_usd end
            as moved_out_usd,
        case when part = 'unused' then cost_usd end as unused_owned_usd
    from placed
),

summed as (
    select
        scope_type,
        scope_id,
        source,
        billing_month,
        billing_currency,
        coalesce(sum(actual_cost), 0) as actual_cost,
        coalesce(sum(amortized_cost), 0) as amortized_cost,
        coalesce(sum(unused_here), 0) as unused_here,
        coalesce(sum(moved_in), 0) as moved_in,
        coalesce(sum(moved_out), 0) as moved_out,
        coalesce(sum(unused_owned), 0) as unused_owned,
        coalesce(sum(actual_cost_usd), 0) as actual_cost_usd,
        coalesce(sum(amortized_cost_usd), 0) as amortized_cost_usd,
        coalesce(sum(unused_here_usd), 0) as unused_here_usd,
        coalesce(sum(moved_in_usd), 0) - coalesce(sum(moved_out_usd), 0) as moved_cost_usd,
        coalesce(sum(unused_owned_usd), 0) as unused_owned_usd
    from entries
    group by scope_type, scope_id, source, billing_month, billing_currency
),

known as (
    select
        summed.*,
        case
            when month_scopes.scope_type = 'subscription' then 'subscription_scope'
            else 'available'
        end as availability
    from summed
    left join month_scopes
        on
            summed.source = month_scopes.source
            and summed.billing_month = month_scopes.billing_month
)

select
    known.scope_type,
    known.scope_id,
    scope_names.scope_name,
    known.source,
    known.billing_month,
    known.billing_currency,
    known.actual_cost,
    known.amortized_cost,
    case when availability = 'available' then moved_in end as moved_in,
    case when availability = 'available' then moved_out end as moved_out,
    case when availability = 'available' then moved_in - moved_out end as moved_cost,
    case when availability = 'available' then unused_owned end as unused_cost,
    case when availability = 'available' then amortized_cost - unused_here + unused_owned end
        as reallocated_cost,
    known.actual_cost_usd,
    known.amortized_cost_usd,
    case when availability = 'available' then moved_cost_usd end as moved_cost_usd,
    case when availability = 'available' then unused_owned_usd end as unused_cost_usd,
    case
        when availability = 'available'
            then amortized_cost_usd - unused_here_usd + unused_owned_usd
    end as reallocated_cost_usd,
    known.availability
from known
left join scope_names
    on
        known.source = scope_names.source
        and known.billing_month = scope_names.billing_month
        and known.scope_type = scope_names.scope_type
        and known.scope_id = scope_names.scope_id
