-- question: Does every scope type hold all of what commitments cost, used and idle?
-- sources: commitment_utilization_monthly, scope_commitment_months, scope_types
with whole as (
    select
        months.source,
        months.billing_month,
        months.billing_currency,
        types.scope_type,
        months.used_cost,
        months.unused_cost,
        1 as months,
        0 as placed
    from commitment_utilization_monthly as months
    cross join scope_types as types
    where types.member_type = 'whole'
),

-- Stacked and grouped rather than joined: a NULL currency then meets its like.
stacked as (
    select
        source,
        billing_month,
        billing_currency,
        scope_type,
        used_cost,
        unused_cost,
        months,
        placed
    from whole
    union all
    select
        source,
        billing_month,
        billing_currency,
        scope_type,
        -used_cost as used_cost,
        -unused_cost as unused_cost,
        0 as months,
        1 as placed
    from scope_commitment_months
)

select
    source,
    billing_month,
    billing_currency,
    scope_type,
    sum(months) as months,
    sum(placed) as placed,
    sum(used_cost) as used_cost_missing,
    sum(unused_cost) as unused_cost_missing
from stacked
group by source, billing_month, billing_currency, scope_type
having sum(months) <> sum(placed) or sum(used_cost) <> 0 or sum(unused_cost) <> 0
