-- How well each commitment was used, per day, per month, and as long as it is seen.
create macro percent(part, whole) as 100 * part / nullif(whole, 0);

create table utilized_days as
select committed.source, kind, committed.order_id, committed.commitment_id, billing_month, date,
    billing_currency, benefit_name, cost, cost_usd, part, used_hours, reserved_hours
from committed
left join hours using (order_id, commitment_id, date)
where part <> 'bought';

create table utilized_day as
select source, kind, order_id, commitment_id, date, billing_currency,
    any_value(billing_month) as billing_month, max(benefit_name) as name,
    coalesce(sum(cost) filter (where part = 'used'), 0) as used_cost,
    coalesce(sum(cost) filter (where part = 'unused'), 0) as unused_cost,
    coalesce(sum(cost_usd) filter (where part = 'used'), 0) as used_cost_usd,
    coalesce(sum(cost_usd) filter (where part = 'unused'), 0) as unused_cost_usd,
    any_value(used_hours) as used_hours, any_value(reserved_hours) as reserved_hours
from utilized_days group by all;

create table utilized_month as
select source, kind, order_id, commitment_id, billing_month, billing_currency,
    max_by(name, date) as name, count(*) as days,
    sum(used_cost) as used_cost, sum(unused_cost) as unused_cost,
    sum(used_cost_usd) as used_cost_usd, sum(unused_cost_usd) as unused_cost_usd,
    case when count(used_hours) = count(*) then sum(used_hours) end as used_hours,
    case when count(used_hours) = count(*) then sum(reserved_hours) end as reserved_hours
from utilized_day group by all;

-- A day counts once, in how many currencies it may be billed.
create table utilized_hours as
with days as (
    select distinct source, kind, order_id, commitment_id, date, used_hours, reserved_hours
    from utilized_days
)
select source, kind, order_id, commitment_id,
    case when count(used_hours) = count(*) then sum(used_hours) end as used_hours,
    case when count(used_hours) = count(*) then sum(reserved_hours) end as reserved_hours
from days group by all;

create macro utilization_of(rows_of) as table
    select *, percent(used_hours, reserved_hours) as utilization_hours_pct,
        percent(used_cost, used_cost + unused_cost) as utilization_cost_pct,
        coalesce(percent(used_hours, reserved_hours), percent(used_cost, used_cost + unused_cost))
            as utilization_pct,
        case when percent(used_hours, reserved_hours) is not null then 'hours'
            when percent(used_cost, used_cost + unused_cost) is not null then 'cost'
            else 'unknown' end as utilization_basis
    from query_table(rows_of);
