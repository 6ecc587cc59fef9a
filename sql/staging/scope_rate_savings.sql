-- question: Which kind of rate saves how much below list price, per scope?
-- grain: scope_type, scope_id, source, billing_month, billing_currency, rate_type
-- sources: rate_totals, scope_types, scope_names, month_scopes
-- columns:
--   scope_type: source, billing_account, billing_profile, reseller, customer_tenant or subscription
--   scope_id: id of the scope; NULL holds the rows that belong to none
--   scope_name: its name at the end of the month
--   source: bill connect
--   billing_month: month, YYYY-MM
--   billing_currency: currency of the amounts; two are never added
--   rate_type: Reservation, SavingsPlan, Spot, PartnerEarnedCredit or Negotiated; each scope has all five
--   list_cost: cost before this rate, billing currency: list cost; for PartnerEarnedCredit the negotiated cost of the rows it is applied to
--   cost: cost after this rate, billing currency: amortized cost; for Negotiated the negotiated cost where credit is applied on top of it
--   gross_savings: list_cost - cost, billing currency
--   unused_cost: cost of idle commitments of this kind, billing currency
--   savings: gross_savings - unused_cost, billing currency; may be negative; adds up to savings.savings over the rate types
--   savings_pct: 100 * savings / list_cost
--   unpriced_cost: cost of usage rows of this kind whose list price is unknown, billing currency
--   list_cost_usd: list_cost, USD
--   cost_usd: cost, USD
--   gross_savings_usd: gross_savings, USD
--   unused_cost_usd: unused_cost, USD
--   savings_usd: savings, USD
--   availability: available; partial: some usage of this kind is unpriced, or of a month whose savings cannot be told; unknown: none of it could be priced; subscription_scope: Azure shows retail prices and no commitment cost there, so savings cannot be told
with rate_types as (
    select column1 as rate_type
    from (values ('Reservation'), ('SavingsPlan'), ('Spot'), ('PartnerEarnedCredit'), ('Negotiated'))
),

placed as (
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
        end as scope_id
    from rate_totals as totals
    cross join scope_types as types
    where types.member_type = 'whole'
),

-- Added up per scope before rate types take their parts: those are five per row.
classes as (
    select
        scope_type,
        scope_id,
        source,
        billing_month,
        billing_currency,
        rate_class,
        sum(list_cost) as list_cost,
        sum(contracted_cost) as contracted_cost,
        sum(cost) as cost,
        sum(unused_cost) as unused_cost,
        sum(unpriced_cost) as unpriced_cost,
        sum(priced_rows) as priced_rows,
        sum(unpriced_rows) as unpriced_rows,
        sum(list_cost_usd) as list_cost_usd,
        sum(contracted_cost_usd) as contracted_cost_usd,
        sum(cost_usd) as cost_usd,
        sum(unused_cost_usd) as unused_cost_usd,
        sum(priced_rows_usd) as priced_rows_usd,
        sum(unpriced_rows_usd) as unpriced_rows_usd
    from placed
    group by scope_type, scope_id, source, billing_month, billing_currency, rate_class
),

-- Every rate type looks at every class of rows and takes its part of it. Where
-- earned credit is applied, list - cost is split at the negotiated cost.
matched as (
    select
        classes.*,
        rate_types.rate_type,
        case
            when rate_type = rate_class then 'whole'
            when rate_type = 'Negotiated' and rate_class = 'Other' then 'whole'
            when rate_type = 'Negotiated' and rate_class = 'Credited' then 'list_to_contracted'
            when rate_type = 'PartnerEarnedCredit' and rate_class = 'Credited'
                then 'contracted_to_cost'
        end as part
    from classes
    cross join rate_types
),

parts as (
    select
        *,
        case part
            when 'whole' then list_cost
            when 'list_to_contracted' then list_cost
            when 'contracted_to_cost' then contracted_cost
        end as from_cost,
        case part
            when 'whole' then cost
            when 'list_to_contracted' then contracted_cost
            when 'contracted_to_cost' then cost
        end as to_cost,
        case part
            when 'whole' then list_cost_usd
            when 'list_to_contracted' then list_cost_usd
            when 'contracted_to_cost' then contracted_cost_usd
        end as from_cost_usd,
        case part
            when 'whole' then cost_usd
            when 'list_to_contracted' then contracted_cost_usd
            when 'contracted_to_cost' then cost_usd
        end as to_cost_usd
    from matched
),

scoped as (
    select
        scope_type,
        scope_id,
        source,
        billing_month,
        billing_currency,
        rate_type,
        sum(from_cost) as list_cost,
        sum(to_cost) as cost,
        coalesce(sum(unused_cost) filter (where part = 'whole'), 0) as unused_cost,
        coalesce(sum(unpriced_cost) filter (where part is not null), 0) as unpriced_cost,
        sum(from_cost_usd) as list_cost_usd,
        sum(to_cost_usd) as cost_usd,
        coalesce(sum(unused_cost_usd) filter (where part = 'whole'), 0) as unused_cost_usd,
        coalesce(sum(priced_rows) filter (where part is not null), 0) as priced_rows,
        coalesce(sum(unpriced_rows) filter (where part is not null), 0) as unpriced_rows,
        coalesce(sum(priced_rows_usd) filter (where part is not null), 0) as priced_rows_usd,
        coalesce(sum(unpriced_rows_usd) filter (where part is not null), 0) as unpriced_rows_usd
    from parts
    group by scope_type, scope_id, source, billing_month, billing_currency, rate_type
),

-- As in savings: no usage of a kind is a known nothing, unpriced usage is not.
known as (
    select
        scoped.scope_type,
        scoped.scope_id,
        scoped.source,
        scoped.billing_month,
        scoped.billing_currency,
        scoped.rate_type,
        case when unpriced_rows = 0 then coalesce(list_cost, 0) else list_cost end as list_cost,
        case when unpriced_rows = 0 then coalesce(cost, 0) else cost end as cost,
        scoped.unused_cost,
        scoped.unpriced_cost,
        case when unpriced_rows_usd = 0 then coalesce(list_cost_usd, 0) else list_cost_usd end
            as list_cost_usd,
        case when unpriced_rows_usd = 0 then coalesce(cost_usd, 0) else cost_usd end as cost_usd,
        scoped.unused_cost_usd,
        case
            when month_scopes.scope_type = 'subscription' then 'subscription_scope'
            when unpriced_rows = 0 then 'available'
            when priced_rows = 0 then 'unknown'
            else 'partial'
        end as availability,
        case
            when month_scopes.scope_type = 'subscription' then 'subscription_scope'
            when unpriced_rows_usd = 0 then 'available'
            when priced_rows_usd = 0 then 'unknown'
            else 'partial'
        end as availability_usd
    from scoped
    left join month_scopes
        on
            scoped.source = month_scopes.source
            and scoped.billing_month = month_scopes.billing_month
),

saved as (
    select
        *,
        case when availability <> 'subscription_scope' then list_cost - cost end as gross_savings,
        case
            when availability = 'subscription_scope' then null
            when availability = 'unknown' and unused_cost = 0 then null
            else coalesce(list_cost, 0) - coalesce(cost, 0) - unused_cost
        end as savings,
        case when availability <> 'subscription_scope' then list_cost_usd - cost_usd end
            as gross_savings_usd,
        case
            when availability_usd = 'subscription_scope' then null
            when availability_usd = 'unknown' and unused_cost_usd = 0 then null
            else coalesce(list_cost_usd, 0) - coalesce(cost_usd, 0) - unused_cost_usd
        end as savings_usd
    from known
)

select
    saved.scope_type,
    saved.scope_id,
    scope_names.scope_name,
    saved.source,
    saved.billing_month,
    saved.billing_currency,
    saved.rate_type,
    case when saved.availability <> 'subscription_scope' then saved.list_cost end as list_cost,
    case when saved.availability <> 'subscription_scope' then saved.cost end as cost,
    saved.gross_savings,
    case when saved.availability <> 'subscription_scope' then saved.unused_cost end as unused_cost,
    saved.savings,
    cast(100 * saved.savings / nullif(saved.list_cost, 0) as double) as savings_pct,
    case when saved.availability <> 'subscription_scope' then saved.unpriced_cost end
        as unpriced_cost,
    case when saved.availability <> 'subscription_scope' then saved.list_cost_usd end
        as list_cost_usd,
    case when saved.availability <> 'subscription_scope' then saved.cost_usd end as cost_usd,
    saved.gross_savings_usd,
    case when saved.availability <> 'subscription_scope' then saved.unused_cost_usd end
        as unused_cost_usd,
    saved.savings_usd,
    saved.availability
from saved
left join scope_names
    on
        saved.source = scope_names.source
        and saved.billing_month = scope_names.billing_month
        and saved.scope_type = scope_names.scope_type
        and saved.scope_id = scope_names.scope_id
