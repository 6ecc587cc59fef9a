-- report: Partner earned credit
-- question: How much partner earned credit was earned, and where was it missed?
-- scopes: source, billing_account, billing_profile, reseller, customer_tenant, subscription

-- section: missed
-- title: Missed, and to be claimed
-- aside: subscription_id
-- note: missed_rate: the credit has a rate and is not applied. missed_peers: no rate, but other usage of the subscription earns it that month. This report is for the partner.
-- chart: bars subscription_name: missed_credit
-- totals: eligible_cost, missed_credit
-- needs: amortized cost, account scope
-- if empty: No credit was missed.
select
    scope_id,
    source,
    status,
    last_value(customer_name order by billing_month) as customer_name,
    coalesce(last_value(subscription_name order by billing_month), subscription_id)
        as subscription_name,
    subscription_id,
    billing_currency,
    sum(eligible_cost) as eligible_cost,
    cast(100 * max(credit_rate) as double) as credit_pct,
    sum(missed_credit) as missed_credit
from scope_earned_credit
where scope_type = $scope_type and status <> 'earned' and billing_month between $first_month and $last_month
group by
    scope_id,
    source,
    status,
    customer_tenant_id,
    subscription_id,
    billing_currency
order by source, billing_currency, missed_credit desc, subscription_id, status;

-- section: by_month
-- title: By month
-- chart: columns billing_month: earned_credit, missed_credit
-- totals: earned_credit, missed_credit
-- needs: amortized cost, account scope
-- if empty: No usage of the Azure plan earns or misses credit.
select
    scope_id,
    source,
    billing_month,
    billing_currency,
    coalesce(sum(earned_credit), 0) as earned_credit,
    coalesce(sum(missed_credit), 0) as missed_credit
from scope_earned_credit
where scope_type = $scope_type and billing_month between $first_month and $last_month
group by
    scope_id,
    source,
    billing_month,
    billing_currency
order by source, billing_currency, billing_month;

-- section: earned
-- title: Earned
-- aside: subscription_id
-- totals: eligible_cost, earned_credit
-- needs: amortized cost, account scope
-- if empty: No credit was earned.
select
    scope_id,
    source,
    last_value(customer_name order by billing_month) as customer_name,
    coalesce(last_value(subscription_name order by billing_month), subscription_id)
        as subscription_name,
    subscription_id,
    billing_currency,
    sum(eligible_cost) as eligible_cost,
    sum(earned_credit) as earned_credit
from scope_earned_credit
where scope_type = $scope_type and status = 'earned' and billing_month between $first_month and $last_month
group by
    scope_id,
    source,
    customer_tenant_id,
    subscription_id,
    billing_currency
order by source, billing_currency, earned_credit desc, subscription_id
