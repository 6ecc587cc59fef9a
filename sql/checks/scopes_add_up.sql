-- question: Does every scope type add up to the same total per source, month and currency?
-- sources: savings
with totals as (
    select
        source,
        billing_month,
        billing_currency,
        scope_type,
        coalesce(sum(list_cost), 0) as list_cost,
        coalesce(sum(cost), 0) as cost,
        sum(unused_cost) as unused_cost,
        coalesce(sum(savings), 0) as savings,
        sum(unpriced_cost) as unpriced_cost
    from savings
    group by source, billing_month, billing_currency, scope_type
)

select
    source,
    billing_month,
    billing_currency,
    min(list_cost) as least_list_cost,
    max(list_cost) as most_list_cost,
    min(savings) as least_savings,
    max(savings) as most_savings
from totals
group by source, billing_month, billing_currency
having
    min(list_cost) <> max(list_cost)
    or min(cost) <> max(cost)
    or min(unused_cost) <> max(unused_cost)
    or min(savings) <> max(savings)
    or min(unpriced_cost) <> max(unpriced_cost)
