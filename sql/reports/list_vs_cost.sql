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
        cost as total_cost,
        actual_cost as invoiced_cost
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
-- note: Meter categories by cost. It holds charges that have no list price, too.
-- chart: bars meter_category: cost
-- totals: list_cost, cost, unpriced_cost
select
    scope_id,
    source,
    meter_category,
    billing_currency,
    sum(list_cost) as list_cost,
    sum(cost) as cost,
    sum(unpriced_cost) as unpriced_cost
from scope_costs
where
    scope_type = $scope_type
    and member_type = 'whole'
    and billing_month between $first_month and $last_month
group by scope_id, source, meter_category, billing_currency
having sum(cost) is not null
order by source, billing_currency, cost desc, meter_category;

-- section: movers
-- title: What moved since the month before
-- note: The last month against the one before it, by service; largest change first. Where either month is not loaded, the change is unknown.
-- totals: previous_cost, last_cost, change
with months as (
    select
        source,
        count(*) filter (where billing_month = $previous_month and status = 'loaded') > 0
            as knows_previous,
        count(*) filter (where billing_month = $last_month and status = 'loaded') > 0 as knows_last
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
        coalesce(sum(cost) filter (where billing_month = $previous_month), 0) as previous_cost,
        coalesce(sum(cost) filter (where billing_month = $last_month), 0) as last_cost
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
        case when months.knows_previous then services.previous_cost end as previous_cost,
        case when months.knows_last then services.last_cost end as last_cost
    from services
    inner join months on services.source = months.source
)

select
    scope_id,
    source,
    meter_category,
    billing_currency,
    previous_cost,
    last_cost,
    last_cost - previous_cost as change,
    cast(100 * (last_cost - previous_cost) / nullif(previous_cost, 0) as double) as change_pct
from known
order by source, billing_currency, abs(last_cost - previous_cost) desc nulls last, meter_category;

-- section: by_charge_type
-- title: By kind of charge
-- totals: list_cost, cost, invoiced_cost
select
    scope_id,
    source,
    charge_type,
    billing_currency,
    sum(list_cost) as list_cost,
    sum(cost) as cost,
    sum(actual_cost) as invoiced_cost
from scope_costs
where
    scope_type = $scope_type
    and member_type = 'whole'
    and billing_month between $first_month and $last_month
group by scope_id, source, charge_type, billing_currency
order by source, billing_currency, charge_type;

-- section: by_day
-- title: By day
-- chart: lines date: cost
-- table: hidden
-- totals: list_cost, cost, invoiced_cost
select
    scope_id,
    source,
    date,
    billing_currency,
    sum(list_cost) as list_cost,
    sum(cost) as cost,
    sum(actual_cost) as invoiced_cost
from scope_costs
where
    scope_type = $scope_type
    and member_type = 'whole'
    and billing_month between $first_month and $last_month
group by scope_id, source, date, billing_currency
order by source, billing_currency, date
