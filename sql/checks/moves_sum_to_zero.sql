-- question: Does what is moved between scopes sum to zero, and is nothing lost by it?
-- sources: reallocated_cost
select
    scope_type,
    source,
    billing_month,
    billing_currency,
    sum(moved_cost) as moved_cost,
    sum(reallocated_cost) as reallocated_cost,
    sum(amortized_cost) as amortized_cost
from reallocated_cost
where availability = 'available'
group by scope_type, source, billing_month, billing_currency
having sum(moved_cost) <> 0 or sum(reallocated_cost) <> sum(amortized_cost)
