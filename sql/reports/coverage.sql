-- report: Coverage
-- question: How much usage has a known list price, and how much of what commitments could cover do they cover?
-- scopes: source, billing_account, billing_profile, reseller, customer_tenant, subscription

-- section: commitments
-- title: Covered by commitments
-- note: Of the list cost of usage in services where commitments apply, the part that reservations and savings plans cover.
-- chart: stacked billing_month: reservation_list_cost, savings_plan_list_cost, on_demand_list_cost
-- totals: reservation_list_cost, savings_plan_list_cost, committed_list_cost, on_demand_list_cost
-- needs: amortized cost
select
    scope_id,
    source,
    billing_month,
    billing_currency,
    reservation_list_cost,
    savings_plan_list_cost,
    committed_list_cost,
    on_demand_list_cost,
    coverage_pct,
    unpriced_committed_cost,
    unpriced_on_demand_cost,
    availability
from scope_coverage
where scope_type = $scope_type and billing_month between $first_month and $last_month
order by source, billing_currency, billing_month;

-- section: known_prices
-- title: Known list prices
-- note: Of the cost of usage, the part whose list price is known.
-- chart: stacked billing_month: cost, unpriced_cost
-- totals: cost, unpriced_cost
-- needs: amortized cost
select
    scope_id,
    source,
    billing_month,
    billing_currency,
    cost,
    unpriced_cost,
    priced_coverage_pct,
    availability
from scope_savings
where
    scope_type = $scope_type
    and member_type = 'whole'
    and billing_month between $first_month and $last_month
order by source, billing_currency, billing_month;

-- section: unpriced
-- title: Usage without a known list price
-- note: It is in no savings. A price sheet of the billing profile and month, once loaded, prices most of it.
-- totals: cost
-- needs: amortized cost
-- if empty: All usage has a known list price.
select
    scope_id,
    source,
    meter_category,
    pricing_model,
    reason,
    billing_currency,
    sum(rows) as rows,
    sum(cost) as cost
from scope_unpriced_cost
where scope_type = $scope_type and billing_month between $first_month and $last_month
group by
    scope_id,
    source,
    meter_category,
    pricing_model,
    reason,
    billing_currency
order by source, billing_currency, cost desc, meter_category, pricing_model, reason
