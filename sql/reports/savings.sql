-- report: Savings
-- question: How much below list price is paid, which kind of rate makes it, and where is money to get back?
-- scopes: source, billing_account, billing_profile, reseller, customer_tenant, subscription

-- section: commitments/money_to_get_back

-- section: by_month
-- title: List price against cost price, by month
-- note: Usage with a known list price. Savings are list cost less cost less what idle commitments cost.
-- chart: columns billing_month: list_cost, cost
-- totals: list_cost, cost, unused_cost, savings, savings_pct = 100 * savings / list_cost, unpriced_cost
-- needs: amortized cost
select
    scope_id,
    source,
    billing_month,
    billing_currency,
    list_cost,
    cost,
    unused_cost,
    savings,
    savings_pct,
    unpriced_cost,
    priced_coverage_pct,
    availability
from scope_savings
where
    scope_type = $scope_type
    and member_type = 'whole'
    and billing_month between $first_month and $last_month
order by source, billing_currency, billing_month;

-- section: rate_reduction/by_rate_type

-- section: by_part
-- title: Who saves it
-- aside: id
-- note: By customer; within one customer, by subscription. Rows without a name belong to none. Where the savings of some months cannot be told, list cost and cost are of all months and savings of the others.
-- totals: list_cost, cost, unused_cost, savings, savings_pct = 100 * savings / list_cost, unpriced_cost
-- needs: amortized cost
select
    scope_id,
    source,
    coalesce(last_value(member_name order by billing_month), member_id) as name,
    member_id as id,
    billing_currency,
    sum(list_cost) as list_cost,
    sum(cost) as cost,
    sum(unused_cost) as unused_cost,
    sum(savings) as savings,
    case
        when count(*) filter (where savings is null and list_cost <> 0) = 0
            then cast(100 * sum(savings) / nullif(sum(list_cost), 0) as double)
    end as savings_pct,
    sum(unpriced_cost) as unpriced_cost,
    case when min(availability) = max(availability) then min(availability) else 'partial' end
        as availability
from scope_savings
where
    scope_type = $scope_type
    and member_type
    = case
        when $scope_type in ('customer_tenant', 'subscription') then 'subscription'
        else 'customer_tenant'
    end
    and billing_month between $first_month and $last_month
group by scope_id, source, member_id, billing_currency
order by source, billing_currency, savings desc nulls last, id
