-- report: Commitments
-- question: Which reservations and savings plans are owned, when do they expire, and how well are they used?
-- scopes: source, billing_account, billing_profile, reseller, customer_tenant, subscription

-- section: money_to_get_back
-- title: Money to get back
-- note: Of the reservations and savings plans that still run, the ten that cost most while they stood idle. A wider scope lets more resources use one; a reservation, unlike a savings plan, may also be exchanged or returned within Azure's limits.
-- chart: bars name: unused_cost
-- aside: order_id, benefit_id
-- totals: unused_cost, used_cost
-- if empty: leave out
with ranked as (
    select
        scope_id,
        source,
        kind,
        max(name) as name,
        max(owner_customer_name) as owner_customer_name,
        max(expiry_date) as expiry_date,
        order_id,
        benefit_id,
        billing_currency,
        sum(unused_cost) as unused_cost,
        sum(used_cost) as used_cost,
        cast(
            100 * sum(used_cost) / nullif(sum(used_cost) + sum(unused_cost), 0) as double
        ) as utilization_cost_pct,
        row_number() over (
            partition by scope_id, source, billing_currency
            order by sum(unused_cost) desc, order_id, benefit_id
        ) as waste_rank
    from scope_commitment_months
    where
        scope_type = $scope_type
        and billing_month between $first_month and $last_month
        and status is distinct from 'expired'
    group by scope_id, source, kind, order_id, benefit_id, billing_currency
    having sum(unused_cost) > 0
)

select
    scope_id,
    source,
    waste_rank,
    kind,
    name,
    owner_customer_name,
    billing_currency,
    unused_cost,
    used_cost,
    utilization_cost_pct,
    expiry_date,
    order_id,
    benefit_id
from ranked
where waste_rank <= 10
order by source, billing_currency, waste_rank;

-- section: expiries
-- title: When they expire
-- aside: region, owner_subscription_name, order_id, benefit_id
-- note: Those that are active or about to expire, whatever the months, soonest first. The cost files hold no expiry: it is the day of purchase and the term, as expiry_basis says; where the day of purchase is not loaded it is unknown.
-- chart: timeline name: purchase_date, expiry_date by status
-- needs: account scope
-- if empty: No reservation or savings plan is active.
select
    scope_id,
    source,
    expiry_date,
    days_to_expiry,
    status,
    kind,
    name,
    product_name,
    region,
    term_months,
    purchase_date,
    expiry_basis,
    owner_customer_name,
    owner_subscription_name,
    order_id,
    benefit_id
from scope_commitments
where
    scope_type = $scope_type
    and status in ('active', 'expiring', 'unknown')
    and ($currency is null or billing_currency = $currency)
group by
    scope_id,
    source,
    expiry_date,
    days_to_expiry,
    status,
    kind,
    order_id,
    benefit_id,
    name,
    product_name,
    region,
    term_months,
    purchase_date,
    expiry_basis,
    owner_customer_name,
    owner_subscription_name
order by expiry_date nulls last, source, name, order_id, benefit_id;

-- section: inventory
-- title: Inventory
-- aside: region, expiry_basis, billing_frequency, owner_subscription_name, utilization_basis, order_id, benefit_id
-- note: All that the lake has seen, over its whole life; what was given back is expired from that day. A source at subscription scope shows no commitments: its row says so.
-- totals: purchased_amount, used_cost, unused_cost
-- needs: account scope
-- if empty: No reservations and no savings plans are known.
select
    scope_id,
    source,
    kind,
    name,
    product_name,
    region,
    term_months,
    status,
    purchase_date,
    expiry_date,
    expiry_basis,
    returned_date,
    billing_frequency,
    owner_customer_name,
    owner_subscription_name,
    billing_currency,
    purchased_amount,
    used_cost,
    unused_cost,
    utilization_pct,
    utilization_basis,
    order_id,
    benefit_id,
    availability
from scope_commitments
where scope_type = $scope_type
order by source, kind, name, order_id, benefit_id, billing_currency;

-- section: utilization_by_month
-- title: Utilization, by month
-- aside: order_id, benefit_id
-- note: Percent used, by hours where reservation details are loaded for the whole month, else by cost.
-- chart: heat name: billing_month: utilization_pct
-- needs: amortized cost, account scope
-- totals: used_cost, unused_cost
select
    scope_id,
    source,
    billing_month,
    kind,
    name,
    billing_currency,
    used_cost,
    unused_cost,
    utilization_pct,
    utilization_basis,
    order_id,
    benefit_id
from scope_commitment_months
where scope_type = $scope_type and billing_month between $first_month and $last_month
order by source, name, order_id, benefit_id, billing_currency, billing_month;

-- section: utilization_by_day
-- title: Utilization, by day
-- aside: order_id, benefit_id
-- note: The last month, day by day.
-- chart: heat name: date: utilization_pct
-- table: hidden
-- needs: amortized cost, account scope
-- totals: used_cost, unused_cost
select
    owned.scope_id,
    days.source,
    days.date,
    days.kind,
    coalesce(owned.name, days.name) as name,
    days.billing_currency,
    days.used_cost,
    days.unused_cost,
    days.utilization_pct,
    days.utilization_basis,
    days.order_id,
    days.benefit_id
from commitment_utilization as days
inner join scope_commitments as owned
    on
        (days.source is not distinct from owned.source)
        and (days.kind is not distinct from owned.kind)
        and (days.order_id is not distinct from owned.order_id)
        and (days.benefit_id is not distinct from owned.benefit_id)
        and (days.billing_currency is not distinct from owned.billing_currency)
where owned.scope_type = $scope_type and days.billing_month = $last_month
order by source, name, order_id, benefit_id, billing_currency, date
