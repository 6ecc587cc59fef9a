-- Amortized rows as the partner bills them on. `billed_cost` is NULL where that is unknown, and
-- where what is paid is, as nothing can be said then of what is earned.
create table adjusted as
with adjusted_rows as (
    select factored.*, sources.scope_type = 'subscription' as is_cost_unknown,
        list_cost * factor as adjusted_list_cost, list_cost_usd * factor as adjusted_list_cost_usd,
        cost * factor as adjusted_cost, cost_usd * factor as adjusted_cost_usd
    from factored join sources using (source)
)
select *,
    case when is_cost_unknown then null
        when getvariable('billed_on') = 'cost' then adjusted_cost
        when is_usage then adjusted_list_cost
        when charge_type like 'Unused%' then 0
        else adjusted_cost end as billed_cost,
    case when is_cost_unknown then null
        when getvariable('billed_on') = 'cost' then adjusted_cost_usd
        when is_usage then adjusted_list_cost_usd
        when charge_type like 'Unused%' then 0
        else adjusted_cost_usd end as billed_cost_usd,
    is_cost_unknown or (is_unpriced and getvariable('billed_on') = 'list') as is_unbilled
from adjusted_rows;
