-- report: Unused commitments
-- question: What do idle reservations and savings plans cost, and whose are they?
-- scopes: source, billing_account, billing_profile, reseller, customer_tenant, subscription

-- section: by_commitment
-- title: By commitment
-- aside: region, owner_subscription_name, order_id, benefit_id
-- note: Dearest first.
-- chart: bars name: unused_cost
-- totals: unused_cost, used_cost
-- needs: amortized cost, account scope
-- if empty: Nothing stood idle.
select
    scope_id,
    source,
    kind,
    max(name) as name,
    max(product_name) as product_name,
    max(region) as region,
    max(owner_customer_name) as owner_customer_name,
    max(owner_subscription_name) as owner_subscription_name,
    billing_currency,
    sum(unused_cost) as unused_cost,
    sum(used_cost) as used_cost,
    cast(
        100 * sum(used_cost) / nullif(sum(used_cost) + sum(unused_cost), 0) as double
    ) as utilization_cost_pct,
    max(expiry_date) as expiry_date,
    max(status) as status,
    order_id,
    benefit_id
from scope_commitment_months
where scope_type = $scope_type and billing_month between $first_month and $last_month
group by scope_id, source, kind, order_id, benefit_id, billing_currency
having sum(unused_cost) > 0
order by source, billing_currency, unused_cost desc, order_id, benefit_id;

-- section: by_month
-- title: By month
-- chart: stacked billing_month: unused_cost by kind
-- totals: unused_cost, used_cost
-- needs: amortized cost, account scope
-- if empty: No reservation or savings plan is owned.
select
    scope_id,
    source,
    billing_month,
    kind,
    billing_currency,
    sum(unused_cost) as unused_cost,
    sum(used_cost) as used_cost,
    cast(
        100 * sum(used_cost) / nullif(sum(used_cost) + sum(unused_cost), 0) as double
    ) as utilization_cost_pct
from scope_commitment_months
where scope_type = $scope_type and billing_month between $first_month and $last_month
group by scope_id, source, billing_month, kind, billing_currency
order by source, billing_currency, billing_month, kind
