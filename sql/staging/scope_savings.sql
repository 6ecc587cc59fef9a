-- question: How much below list price does each scope pay, whole and by its customers and subscriptions, after what its idle commitments cost?
-- grain: scope_type, scope_id, member_type, member_id, source, billing_month, billing_currency
-- sources: rate_totals, scope_types, scope_names, month_scopes
-- columns:
--   scope_type: source, billing_account, billing_profile, reseller, customer_tenant or subscription
--   scope_id: id of the scope; NULL holds the rows that belong to none
--   scope_name: its name at the end of the month
--   member_type: what of the scope the row is: whole, or one customer_tenant or subscription of it
--   member_id: that customer or subscription; NULL where whole, and for rows that belong to none
--   member_name: its name at the end of the month
--   source: bill connect
--   billing_month: month, YYYY-MM
--   billing_currency: currency of the amounts; two are never added
--   list_cost: list cost of priced usage rows, billing currency; NULL where every usage row is unpriced
--   cost: amortized cost of the same rows, billing currency
--   unused_cost: cost of idle reservations and savings plans, billing currency; NULL at subscription scope
--   savings: list_cost - cost - unused_cost, billing currency; may be negative; NULL with the reason in availability
--   savings_pct: 100 * savings / list_cost
--   unpriced_cost: cost of usage rows whose list price is unknown, billing currency
--   priced_coverage_pct: share of usage cost that could be priced, percent
--   list_cost_usd: list_cost, USD
--   cost_usd: cost, USD
--   unused_cost_usd: unused_cost, USD
--   savings_usd: savings, USD
--   unpriced_cost_usd: unpriced_cost, USD
--   availability: available; partial: some usage is unpriced, or of a month whose savings cannot be told; unknown: no usage could be priced; subscription_scope: Azure shows retail prices and no commitment cost there, so savings cannot be told
with placed as (
    select
        totals.*,
        types.scope_type,
        case types.scope_type
            when 'source' then totals.source
            when 'billing_account' then totals.billing_account_id
            when 'billing_profile' then totals.billing_profile_id
            when 'reseller' then totals.reseller_mpn_id
            when 'customer_tenant' then totals.customer_tenant_id
            else totals.subscription_id
        end as scope_id,
        types.member_type,
        case types.member_type
            when 'customer_tenant' then totals.customer_tenant_id
            when 'subscription' then totals.subscription_id
        end as member_id
    from rate_totals as totals
    cross join scope_types as types
),

scoped as (
    select
        scope_type,
        scope_id,
        member_type,
        member_id,
        source,
        billing_month,
        billing_currency,
        sum(list_cost) as list_cost,
        sum(cost) as cost,
        coalesce(sum(unused_cost), 0) as unused_cost,
        coalesce(sum(unpriced_cost), 0) as unpriced_cost,
        sum(list_cost_usd) as list_cost_usd,
        sum(cost_usd) as cost_usd,
        coalesce(sum(unused_cost_usd), 0) as unused_cost_usd,
        coalesce(sum(unpriced_cost_usd), 0) as unpriced_cost_usd,
        sum(unpriced_rows) as unpriced_rows,
        sum(unpriced_rows_usd) as unpriced_rows_usd,
        sum(priced_rows) as priced_rows,
        sum(priced_rows_usd) as priced_rows_usd
    from placed
    group by
        scope_type, scope_id, member_type, member_id, source, billing_month, billing_currency
),

-- A scope without any usage row has a list cost of nothing, which is known; one
-- whose usage rows are all unpriced has a list cost that is not.
known as (
    select
        scoped.scope_type,
        scoped.scope_id,
        scoped.member_type,
        scoped.member_id,
        scoped.source,
        scoped.billing_month,
        scoped.billing_currency,
        case when unpriced_rows = 0 then coalesce(list_cost, 0) else list_cost end as list_cost,
        case when unpriced_rows = 0 then coalesce(cost, 0) else cost end as cost,
        -- Idle commitments are not exported at that scope: unknown, not 0.
        case
            when month_scopes.scope_type is distinct from 'subscription' then scoped.unused_cost
        end as unused_cost,
        scoped.unpriced_cost,
        case when unpriced_rows_usd = 0 then coalesce(list_cost_usd, 0) else list_cost_usd end
            as list_cost_usd,
        case when unpriced_rows_usd = 0 then coalesce(cost_usd, 0) else cost_usd end as cost_usd,
        case
            when month_scopes.scope_type is distinct from 'subscription'
                then scoped.unused_cost_usd
        end as unused_cost_usd,
        scoped.unpriced_cost_usd,
        case
            when month_scopes.scope_type = 'subscription' then 'subscription_scope'
            when unpriced_rows = 0 then 'available'
            when priced_rows = 0 then 'unknown'
            else 'partial'
        end as availability,
        priced_rows_usd = 0 and unpriced_rows_usd > 0 as is_unknown_usd
    from scoped
    left join month_scopes
        on
            scoped.source = month_scopes.source
            and scoped.billing_month = month_scopes.billing_month
),

-- Waste is known even where no usage could be priced, so it still counts: every
-- scope type then adds up to the same total.
saved as (
    select
        *,
        case
            when availability = 'subscription_scope' then null
            when availability = 'unknown' and unused_cost = 0 then null
            else coalesce(list_cost, 0) - coalesce(cost, 0) - unused_cost
        end as savings,
        case
            when availability = 'subscription_scope' then null
            when is_unknown_usd and unused_cost_usd = 0 then null
            else coalesce(list_cost_usd, 0) - coalesce(cost_usd, 0) - unused_cost_usd
        end as savings_usd
    from known
)

select
    saved.scope_type,
    saved.scope_id,
    scope_names.scope_name,
    saved.member_type,
    saved.member_id,
    member_names.scope_name as member_name,
    saved.source,
    saved.billing_month,
    saved.billing_currency,
    saved.list_cost,
    saved.cost,
    saved.unused_cost,
    saved.savings,
    cast(100 * saved.savings / nullif(saved.list_cost, 0) as double) as savings_pct,
    saved.unpriced_cost,
    cast(
        100 * coalesce(saved.cost, 0) / nullif(coalesce(saved.cost, 0) + saved.unpriced_cost, 0)
        as double
    ) as priced_coverage_pct,
    saved.list_cost_usd,
    saved.cost_usd,
    saved.unused_cost_usd,
    saved.savings_usd,
    saved.unpriced_cost_usd,
    saved.availability
from saved
left join scope_names
    on
        saved.source = scope_names.source
        and saved.billing_month = scope_names.billing_month
        and saved.scope_type = scope_names.scope_type
        and saved.scope_id = scope_names.scope_id
left join scope_names as member_names
    on
        saved.source = member_names.source
        and saved.billing_month = member_names.billing_month
        and saved.member_type = member_names.scope_type
        and saved.member_id = member_names.scope_id
