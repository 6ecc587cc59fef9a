-- report: List price against cost price
-- question: What was used, at list price and at cost price, by month, day and service, and what moved?
-- scopes: source, billing_account, billing_profile, reseller, customer_tenant, subscription

-- section: by_month
-- title: By month
-- note: List cost and cost are of the same usage, whose list price is known. Beside it stand usage whose list price is unknown, and charges that have none: purchases, marketplace, idle commitments. Total cost is all of it, amortized: commitments are spread over their term. Invoiced is the actual file: purchases on the day they are billed.
-- chart: columns billing_month: list_cost, cost
-- totals: list_cost, cost, unpriced_cost, other_cost, total_cost, invoiced_cost
with stacked as (
    select
        scope_id,
        source,
        billing_month,
        billing_currency,
        list_cost,
        cost,
        unpriced_cost,
        cast(null as decimal(38, 18)) as total_cost,
        cast(null as decimal(38, 18)) as invoiced_cost
    from scope_savings
    where
        scope_type = $scope_type
        and member_type = 'whole'
        and billing_month between $first_month and $last_month
    union all
    select
        scope_id,
        source,
        billing_month,
        billing_currency,
        cast(null as decimal(38, 18)) as list_cost,
        cast(null as decimal(38, 18)) as cost,
        cast(null as decimal(38, 18)) as unpriced_cost,
        total_cost,
        invoiced_cost
    from scope_costs
    where
        scope_type = $scope_type
        and member_type = 'whole'
        and billing_month between $first_month and $last_month
)

select
    scope_id,
    source,
    billing_month,
    billing_currency,
    sum(list_cost) as list_cost,
    sum(cost) as cost,
    sum(unpriced_cost) as unpriced_cost,
    sum(total_cost) - coalesce(sum(cost), 0) - coalesce(sum(unpriced_cost), 0) as other_cost,
    sum(total_cost) as total_cost,
    sum(invoiced_cost) as invoiced_cost
from stacked
group by scope_id, source, billing_month, billing_currency
order by source, billing_currency, billing_month;

-- section: services
-- title: Top services
-- note: Meter categories by total cost. List cost and cost are of usage whose list price is known.
-- chart: bars meter_category: total_cost
-- totals: list_cost, cost, unpriced_cost, total_cost, invoiced_cost
-- needs: amortized cost
select
    scope_id,
    source,
    meter_category,
    billing_currency,
    case
        when sum(total_cost) is null or bool_or(availability in ('unknown', 'partial'))
            then sum(list_cost)
        else coalesce(sum(list_cost), 0)
    end as list_cost,
    case
        when sum(total_cost) is null or bool_or(availability in ('unknown', 'partial'))
            then sum(priced_cost)
        else coalesce(sum(priced_cost), 0)
    end as cost,
    sum(unpriced_cost) as unpriced_cost,
    sum(total_cost) as total_cost,
    sum(invoiced_cost) as invoiced_cost
from scope_costs
where
    scope_type = $scope_type
    and member_type = 'whole'
    and billing_month between $first_month and $last_month
group by scope_id, source, meter_category, billing_currency
having sum(total_cost) is not null
order by source, billing_currency, total_cost desc, meter_category;

-- section: movers
-- title: What moved since the month before
-- note: Total cost of the last month against the one before it, by service; largest change first. Where either month is not loaded, or one of them is seen at another scope, the change is unknown; where either is open, it will change.
-- totals: previous_cost, last_cost, change, change_pct = 100 * change / previous_cost
-- needs: amortized cost
with seen as (
    select
        source,
        count(distinct scope_type) > 1 as at_two_scopes
    from month_scopes
    where billing_month in ($previous_month, $last_month)
    group by source
),

compared as (
    select
        source,
        coalesce(bool_or(billing_month = $previous_month and status = 'loaded'), false)
            as knows_previous,
        coalesce(bool_or(billing_month = $last_month and status = 'loaded'), false) as knows_last,
        coalesce(bool_or(billing_month = $previous_month and is_final is not true), false)
            as changes_previous,
        coalesce(bool_or(billing_month = $last_month and is_final is not true), false)
            as changes_last
    from months
    where dataset = 'amortized_cost'
    group by source
),

services as (
    select
        scope_id,
        source,
        meter_category,
        billing_currency,
        sum(total_cost) filter (where billing_month = $previous_month) as previous_cost,
        sum(total_cost) filter (where billing_month = $last_month) as last_cost
    from scope_costs
    where
        scope_type = $scope_type
        and member_type = 'whole'
        and billing_month in ($previous_month, $last_month)
    group by scope_id, source, meter_category, billing_currency
),

known as (
    select
        services.scope_id,
        services.source,
        services.meter_category,
        services.billing_currency,
        case
            when compared.knows_previous and not seen.at_two_scopes
                then coalesce(services.previous_cost, 0)
        end as previous_cost,
        -- What is not in a month of one scope costs nothing; a narrower scope only does not show it.
        case
            when compared.knows_last and not seen.at_two_scopes then coalesce(services.last_cost, 0)
            when compared.knows_last then services.last_cost
        end as last_cost,
        case
            when not compared.knows_last then 'month not loaded'
            when not compared.knows_previous then 'month before not loaded'
            when seen.at_two_scopes then 'month before seen at another scope'
            when compared.changes_last then 'month may change'
            when compared.changes_previous then 'month before may change'
            else 'both final'
        end as comparison
    from services
    inner join compared on services.source = compared.source
    inner join seen on services.source = seen.source
)

select
    scope_id,
    source,
    meter_category,
    billing_currency,
    previous_cost,
    last_cost,
    last_cost - previous_cost as change,
    cast(100 * (last_cost - previous_cost) / nullif(previous_cost, 0) as double) as change_pct,
    comparison
from known
order by source, billing_currency, abs(last_cost - previous_cost) desc nulls last, meter_category;

-- section: by_charge_type
-- title: By kind of charge
-- note: List cost and cost are of usage whose list price is known.
-- totals: list_cost, cost, unpriced_cost, total_cost, invoiced_cost
select
    scope_id,
    source,
    charge_type,
    billing_currency,
    case
        when sum(total_cost) is null or bool_or(availability in ('unknown', 'partial'))
            then sum(list_cost)
        else coalesce(sum(list_cost), 0)
    end as list_cost,
    case
        when sum(total_cost) is null or bool_or(availability in ('unknown', 'partial'))
            then sum(priced_cost)
        else coalesce(sum(priced_cost), 0)
    end as cost,
    sum(unpriced_cost) as unpriced_cost,
    sum(total_cost) as total_cost,
    sum(invoiced_cost) as invoiced_cost
from scope_costs
where
    scope_type = $scope_type
    and member_type = 'whole'
    and billing_month between $first_month and $last_month
group by scope_id, source, charge_type, billing_currency
order by source, billing_currency, charge_type;

-- section: by_day
-- title: By day
-- chart: lines date: total_cost
-- table: hidden
-- totals: list_cost, cost, unpriced_cost, total_cost, invoiced_cost
select
    scope_id,
    source,
    date,
    billing_currency,
    case
        when sum(total_cost) is null or bool_or(availability in ('unknown', 'partial'))
            then sum(list_cost)
        else coalesce(sum(list_cost), 0)
    end as list_cost,
    case
        when sum(total_cost) is null or bool_or(availability in ('unknown', 'partial'))
            then sum(priced_cost)
        else coalesce(sum(priced_cost), 0)
    end as cost,
    sum(unpriced_cost) as unpriced_cost,
    sum(total_cost) as total_cost,
    sum(invoiced_cost) as invoiced_cost
from scope_costs
where
    scope_type = $scope_type
    and member_type = 'whole'
    and billing_month between $first_month and $last_month
group by scope_id, source, date, billing_currency
order by source, billing_currency, date
