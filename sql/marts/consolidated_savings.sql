-- question: What does each scope save over all sources, with no subscription counted twice?
-- grain: scope_type, scope_id, billing_month, billing_currency
-- sources: rate_totals, scope_overlaps, month_scopes
-- columns:
--   scope_type: billing_account, billing_profile, customer_tenant or subscription
--   scope_id: id of the scope, lower-cased; NULL holds the rows that belong to none
--   billing_month: month, YYYY-MM
--   billing_currency: currency of the amounts; two are never added
--   sources: sources the amounts are from, in order
--   left_out_sources: sources of which something was left out, as a wider scope has it too: some of its subscriptions, or what is billed to the same billing profile and customer without a subscription; NULL where there are none
--   list_cost: list cost of priced usage rows, billing currency
--   cost: amortized cost of the same rows, billing currency
--   unused_cost: cost of idle reservations and savings plans, billing currency
--   savings: list_cost - cost - unused_cost of what is not seen at subscription scope only, billing currency; NULL with the reason in availability
--   unpriced_cost: cost of usage rows whose list price is unknown, billing currency
--   availability: available; partial: some usage is unpriced, or part of the scope is seen at subscription scope only; unknown: no usage could be priced; subscription_scope: all of it is seen at subscription scope only
with marked as (
    select
        totals.*,
        month_scopes.scope_type = 'subscription' as is_retail,
        case
            when totals.subscription_id is not null then coalesce(scope_overlaps.is_kept, true)
            -- What belongs to no subscription is told apart by whom it is billed to.
            else
                totals.source = first_value(totals.source) over (
                    partition by
                        totals.billing_month,
                        totals.subscription_id is null,
                        lower(totals.billing_profile_id),
                        lower(totals.customer_tenant_id)
                    order by
                        month_scopes.width,
                        totals.source
                )
        end as is_kept
    from rate_totals as totals
    left join month_scopes
        on
            totals.source = month_scopes.source
            and totals.billing_month = month_scopes.billing_month
    left join scope_overlaps
        on
            lower(totals.subscription_id) = scope_overlaps.subscription_id
            and totals.billing_month = scope_overlaps.billing_month
            and totals.source = scope_overlaps.source
            and totals.billing_profile_id is not distinct from scope_overlaps.billing_profile_id
),

scoped as (
    select
        case
            when grouping(lower(billing_account_id)) = 0 then 'billing_account'
            when grouping(lower(billing_profile_id)) = 0 then 'billing_profile'
            when grouping(lower(customer_tenant_id)) = 0 then 'customer_tenant'
            else 'subscription'
        end as scope_type,
        coalesce(
            lower(billing_account_id),
            lower(billing_profile_id),
            lower(customer_tenant_id),
            lower(subscription_id)
        ) as scope_id,
        billing_month,
        billing_currency,
        string_agg(distinct source, ', ' order by source) filter (where is_kept) as sources,
        string_agg(distinct source, ', ' order by source) filter (where not is_kept)
            as left_out_sources,
        sum(list_cost) filter (where is_kept) as list_cost,
        sum(cost) filter (where is_kept) as cost,
        sum(list_cost - cost) filter (where is_kept and is_retail) as retail_difference,
        coalesce(sum(unused_cost) filter (where is_kept), 0) as unused_cost,
        coalesce(sum(unpriced_cost) filter (where is_kept), 0) as unpriced_cost,
        coalesce(sum(priced_rows) filter (where is_kept), 0) as priced_rows,
        coalesce(sum(unpriced_rows) filter (where is_kept), 0) as unpriced_rows,
        count(*) filter (where is_kept and is_retail) as retail_groups,
        count(*) filter (where is_kept and not is_retail) as invoiced_groups
    from marked
    group by grouping sets (
        (billing_month, billing_currency, lower(billing_account_id)),
        (billing_month, billing_currency, lower(billing_profile_id)),
        (billing_month, billing_currency, lower(customer_tenant_id)),
        (billing_month, billing_currency, lower(subscription_id))
    )
),

known as (
    select
        *,
        case
            when retail_groups > 0 and invoiced_groups = 0 then 'subscription_scope'
            when unpriced_rows = 0 and retail_groups = 0 then 'available'
            when priced_rows = 0 then 'unknown'
            else 'partial'
        end as availability
    from scoped
    where sources is not null
)

select
    scope_type,
    scope_id,
    billing_month,
    billing_currency,
    sources,
    left_out_sources,
    case when unpriced_rows = 0 then coalesce(list_cost, 0) else list_cost end as list_cost,
    case when unpriced_rows = 0 then coalesce(cost, 0) else cost end as cost,
    case when availability <> 'subscription_scope' then unused_cost end as unused_cost,
    case
        when availability = 'subscription_scope' then null
        when availability = 'unknown' and unused_cost = 0 then null
        else
            coalesce(list_cost, 0) - coalesce(cost, 0) - unused_cost
            -- Retail prices tell no savings.
            - coalesce(retail_difference, 0)
    end as savings,
    unpriced_cost,
    availability
from known
