-- question: How much of what commitments could cover do they cover?
-- grain: scope_type, scope_id, source, billing_month, billing_currency
-- sources: cost_rows, priced_cost, scope_types, scope_names, month_scopes
-- columns:
--   scope_type: source, billing_account, billing_profile, reseller, customer_tenant or subscription
--   scope_id: id of the scope; NULL holds the rows that belong to none
--   scope_name: its name at the end of the month
--   source: bill connect
--   billing_month: month, YYYY-MM
--   billing_currency: currency of the amounts; two are never added
--   committed_list_cost: list cost of usage that reservations and savings plans covered, billing currency
--   reservation_list_cost: part of it that reservations covered
--   savings_plan_list_cost: part of it that savings plans covered
--   on_demand_list_cost: list cost of on-demand usage that could be covered, billing currency: that of meter categories in which commitments cover usage somewhere in the source
--   coverage_pct: 100 * committed_list_cost / (committed_list_cost + on_demand_list_cost)
--   unpriced_committed_cost: amortized cost of covered usage whose list price is unknown; it is in neither side, billing currency
--   unpriced_on_demand_cost: amortized cost of on-demand usage that could be covered and whose list price is unknown, billing currency; likewise
--   committed_list_cost_usd: committed_list_cost, USD
--   on_demand_list_cost_usd: on_demand_list_cost, USD
--   availability: available; partial: some usage of either side is unpriced, so coverage_pct is not exact; unknown: covered usage is all unpriced; subscription_scope: Azure shows no commitments there
with eligible_categories as (
    select distinct
        source,
        meter_category
    from cost_rows
    where dataset = 'amortized_cost' and charge_type = 'Usage' and is_commitment
),

-- Summed before the categories are chosen: rows are many, sums few.
summed as (
    select
        source,
        billing_month,
        billing_currency,
        billing_account_id,
        billing_profile_id,
        reseller_mpn_id,
        customer_tenant_id,
        subscription_id,
        pricing_model,
        meter_category,
        sum(list_cost) as list_cost,
        sum(list_cost_usd) as list_cost_usd,
        sum(cost) filter (where list_cost_basis = 'unknown') as unpriced_cost,
        count(*) - count(list_cost) as unpriced_rows,
        count(list_cost) as priced_rows,
        count(*) - count(list_cost_usd) as unpriced_rows_usd
    from priced_cost
    where
        charge_type = 'Usage'
        and list_cost_basis <> 'not_applicable'
        and pricing_model in ('OnDemand', 'Reservation', 'SavingsPlan')
    group by
        source,
        billing_month,
        billing_currency,
        billing_account_id,
        billing_profile_id,
        reseller_mpn_id,
        customer_tenant_id,
        subscription_id,
        pricing_model,
        meter_category
),

eligible as (
    select summed.*
    from summed
    inner join eligible_categories
        on
            summed.source = eligible_categories.source
            and summed.meter_category is not distinct from eligible_categories.meter_category
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
    from eligible as totals
    cross join scope_types as types
    where types.member_type = 'whole'
),

scoped as (
    select
        scope_type,
        scope_id,
        source,
        billing_month,
        billing_currency,
        -- What is not there costs 0; what is there and unpriced is unknown.
        coalesce(
            sum(list_cost) filter (where pricing_model = 'Reservation'),
            case
                when coalesce(sum(unpriced_rows) filter (where pricing_model = 'Reservation'), 0) = 0
                    then 0
            end
        ) as reservation_list_cost,
        coalesce(
            sum(list_cost) filter (where pricing_model = 'SavingsPlan'),
            case
                when coalesce(sum(unpriced_rows) filter (where pricing_model = 'SavingsPlan'), 0) = 0
                    then 0
            end
        ) as savings_plan_list_cost,
        coalesce(
            sum(list_cost) filter (where pricing_model = 'OnDemand'),
            case
                when coalesce(sum(unpriced_rows) filter (where pricing_model = 'OnDemand'), 0) = 0
                    then 0
            end
        ) as on_demand_list_cost,
        coalesce(
            sum(list_cost_usd) filter (where pricing_model <> 'OnDemand'),
            case
                when coalesce(sum(unpriced_rows_usd) filter (where pricing_model <> 'OnDemand'), 0) = 0
                    then 0
            end
        ) as committed_list_cost_usd,
        coalesce(
            sum(list_cost_usd) filter (where pricing_model = 'OnDemand'),
            case
                when coalesce(sum(unpriced_rows_usd) filter (where pricing_model = 'OnDemand'), 0) = 0
                    then 0
            end
        ) as on_demand_list_cost_usd,
        sum(unpriced_cost) filter (where pricing_model <> 'OnDemand') as unpriced_committed_cost,
        sum(unpriced_cost) filter (where pricing_model = 'OnDemand') as unpriced_on_demand_cost,
        coalesce(sum(unpriced_rows) filter (where pricing_model <> 'OnDemand'), 0) as unpriced_rows,
        coalesce(sum(priced_rows) filter (where pricing_model <> 'OnDemand'), 0) as priced_rows
    from placed
    group by scope_type, scope_id, source, billing_month, billing_currency
),

known as (
    select
        scoped.scope_type,
        scoped.scope_id,
        scoped.source,
        scoped.billing_month,
        scoped.billing_currency,
        case
            when unpriced_rows = 0 or priced_rows > 0
                then coalesce(reservation_list_cost, 0) + coalesce(savings_plan_list_cost, 0)
        end as committed_list_cost,
        reservation_list_cost,
        savings_plan_list_cost,
        on_demand_list_cost,
        coalesce(unpriced_committed_cost, 0) as unpriced_committed_cost,
        coalesce(unpriced_on_demand_cost, 0) as unpriced_on_demand_cost,
        committed_list_cost_usd,
        on_demand_list_cost_usd,
        case
            when month_scopes.scope_type = 'subscription' then 'subscription_scope'
            when unpriced_rows = 0 and coalesce(unpriced_on_demand_cost, 0) = 0 then 'available'
            when unpriced_rows > 0 and priced_rows = 0 then 'unknown'
            else 'partial'
        end as availability
    from scoped
    left join month_scopes
        on
            scoped.source = month_scopes.source
            and scoped.billing_month = month_scopes.billing_month
)

select
    known.scope_type,
    known.scope_id,
    scope_names.scope_name,
    known.source,
    known.billing_month,
    known.billing_currency,
    case when availability <> 'subscription_scope' then committed_list_cost end
        as committed_list_cost,
    case when availability <> 'subscription_scope' then reservation_list_cost end
        as reservation_list_cost,
    case when availability <> 'subscription_scope' then savings_plan_list_cost end
        as savings_plan_list_cost,
    case when availability <> 'subscription_scope' then on_demand_list_cost end
        as on_demand_list_cost,
    case
        when availability <> 'subscription_scope'
            then
                cast(
                    100 * committed_list_cost
                    / nullif(committed_list_cost + on_demand_list_cost, 0)
                    as double
                )
    end as coverage_pct,
    case when availability <> 'subscription_scope' then unpriced_committed_cost end
        as unpriced_committed_cost,
    case when availability <> 'subscription_scope' then unpriced_on_demand_cost end
        as unpriced_on_demand_cost,
    case when availability <> 'subscription_scope' then committed_list_cost_usd end
        as committed_list_cost_usd,
    case when availability <> 'subscription_scope' then on_demand_list_cost_usd end
        as on_demand_list_cost_usd,
    known.availability
from known
left join scope_names
    on
        known.source = scope_names.source
        and known.billing_month = scope_names.billing_month
        and known.scope_type = scope_names.scope_type
        and known.scope_id = scope_names.scope_id
