-- report: Rate reduction savings
-- question: How much does each kind of rate save, month by month?
-- scopes: source, billing_account, billing_profile, reseller, customer_tenant, subscription

-- section: by_rate_type
-- title: By kind of rate
-- note: Gross savings are list cost less cost of what the rate applies to; savings are what is left after idle commitments.
-- chart: bars rate_type: savings
-- totals: gross_savings, unused_cost, savings
-- needs: amortized cost
select
    scope_id,
    source,
    billing_currency,
    rate_type,
    sum(list_cost) as list_cost,
    sum(cost) as cost,
    sum(gross_savings) as gross_savings,
    sum(unused_cost) as unused_cost,
    sum(savings) as savings,
    case
        when count(*) filter (where savings is null and list_cost <> 0) = 0
            then cast(100 * sum(savings) / nullif(sum(list_cost), 0) as double)
    end as savings_pct,
    sum(unpriced_cost) as unpriced_cost,
    case when min(availability) = max(availability) then min(availability) else 'partial' end
        as availability
from scope_rate_savings
where scope_type = $scope_type and billing_month between $first_month and $last_month
group by scope_id, source, billing_currency, rate_type
order by source, billing_currency, savings desc nulls last, rate_type;

-- section: by_month
-- title: By month
-- chart: stacked billing_month: savings by rate_type
-- totals: gross_savings, unused_cost, savings
-- needs: amortized cost
select
    scope_id,
    source,
    billing_month,
    billing_currency,
    rate_type,
    list_cost,
    cost,
    gross_savings,
    unused_cost,
    savings,
    savings_pct,
    unpriced_cost,
    availability
from scope_rate_savings
where scope_type = $scope_type and billing_month between $first_month and $last_month
order by source, billing_currency, billing_month, rate_type
