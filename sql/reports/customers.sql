-- report: Customers
-- question: What does each customer use, save and bring?
-- scopes: source, billing_account, billing_profile, reseller

-- section: customers
-- title: Customers
-- aside: customer_tenant_id
-- note: List cost, cost and savings are of usage whose list price is known; total cost is of all charges. Where the savings of some months cannot be told, list cost and cost are of all months and savings of the others. Margin is what customers are billed, as costlake.toml says, less its cost; what is of usage without a known list price, or of a month at subscription scope, is in no margin and stands beside it as unbilled. This report is for the partner.
-- chart: bars name: list_cost, cost
-- totals: list_cost, cost, unused_cost, savings, savings_pct = 100 * savings / list_cost, unpriced_cost, total_cost, unbilled_cost, margin
-- needs: amortized cost
with saved as (
    select
        scope_id,
        source,
        member_id,
        last_value(member_name order by billing_month) as name,
        billing_currency,
        sum(list_cost) as list_cost,
        sum(cost) as cost,
        sum(unused_cost) as unused_cost,
        sum(savings) as savings,
        sum(unpriced_cost) as unpriced_cost,
        count(*) filter (where savings is null and list_cost <> 0) as untold_months,
        case when min(availability) = max(availability) then min(availability) else 'partial' end
            as availability
    from scope_savings
    where
        scope_type = $scope_type
        and member_type = 'customer_tenant'
        and billing_month between $first_month and $last_month
    group by scope_id, source, member_id, billing_currency
),

costs as (
    select
        scope_id,
        source,
        member_id,
        last_value(customer_name order by date) as name,
        billing_currency,
        sum(total_cost) as total_cost,
        sum(unbilled_cost) as unbilled_cost,
        sum(margin) as margin
    from scope_costs
    where
        scope_type = $scope_type
        and member_type = 'customer_tenant'
        and billing_month between $first_month and $last_month
    group by scope_id, source, member_id, billing_currency
),

-- Stacked and grouped rather than joined: a NULL key then meets its like.
stacked as (
    select
        scope_id,
        source,
        member_id,
        name,
        billing_currency,
        list_cost,
        cost,
        unused_cost,
        savings,
        unpriced_cost,
        untold_months,
        cast(null as decimal(38, 18)) as total_cost,
        cast(null as decimal(38, 18)) as unbilled_cost,
        cast(null as decimal(38, 18)) as margin,
        availability,
        1 as told
    from saved
    union all
    select
        scope_id,
        source,
        member_id,
        name,
        billing_currency,
        cast(null as decimal(38, 18)) as list_cost,
        cast(null as decimal(38, 18)) as cost,
        cast(null as decimal(38, 18)) as unused_cost,
        cast(null as decimal(38, 18)) as savings,
        cast(null as decimal(38, 18)) as unpriced_cost,
        cast(null as bigint) as untold_months,
        total_cost,
        unbilled_cost,
        margin,
        cast(null as varchar) as availability,
        2 as told
    from costs
)

select
    scope_id,
    source,
    coalesce(first_value(name order by name is null, told), member_id) as name,
    member_id as customer_tenant_id,
    billing_currency,
    sum(list_cost) as list_cost,
    sum(cost) as cost,
    sum(unused_cost) as unused_cost,
    sum(savings) as savings,
    case
        when sum(untold_months) = 0
            then cast(100 * sum(savings) / nullif(sum(list_cost), 0) as double)
    end as savings_pct,
    sum(unpriced_cost) as unpriced_cost,
    sum(total_cost) as total_cost,
    sum(unbilled_cost) as unbilled_cost,
    -- Of nothing billed it is unknown, whatever idle commitments without cost add to it.
    case
        when sum(unbilled_cost) = 0 or sum(unbilled_cost) <> sum(total_cost) then sum(margin)
    end as margin,
    max(availability) as availability
from stacked
group by scope_id, source, member_id, billing_currency
order by source, billing_currency, total_cost desc nulls last, customer_tenant_id;

-- section: by_month
-- title: By month
-- aside: customer_tenant_id
-- totals: list_cost, cost, unused_cost, savings, savings_pct = 100 * savings / list_cost, unpriced_cost
-- needs: amortized cost
select
    scope_id,
    source,
    billing_month,
    coalesce(member_name, member_id) as name,
    member_id as customer_tenant_id,
    billing_currency,
    list_cost,
    cost,
    unused_cost,
    savings,
    savings_pct,
    unpriced_cost,
    availability
from scope_savings
where
    scope_type = $scope_type
    and member_type = 'customer_tenant'
    and billing_month between $first_month and $last_month
order by source, billing_currency, billing_month, name, customer_tenant_id
