-- question: How much of each reservation and savings plan was used, month by month?
-- grain: source, order_id, benefit_id, billing_month, billing_currency
-- sources: commitment_utilization
-- columns:
--   source: bill connect
--   billing_month: month, YYYY-MM
--   kind: Reservation or SavingsPlan
--   benefit_id: reservation or savings plan, lower-cased
--   order_id: order, lower-cased
--   name: its name
--   billing_currency: currency of the amounts; two are never added
--   days: days of the month it is seen
--   used_cost: amortized cost of what was used, billing currency
--   unused_cost: amortized cost of what was idle, billing currency
--   used_hours: hours used, from reservation details; NULL unless those are known for every day of days
--   reserved_hours: hours reserved, likewise
--   utilization_pct: utilization_hours_pct where known, else utilization_cost_pct
--   utilization_basis: hours or cost: what utilization_pct is from; unknown where it is NULL
--   utilization_hours_pct: 100 * used_hours / reserved_hours; NULL where hours are unknown or none are reserved
--   utilization_cost_pct: 100 * used_cost / (used_cost + unused_cost); NULL where both are 0
--   used_cost_usd: used_cost, USD
--   unused_cost_usd: unused_cost, USD
with months as (
    select
        source,
        billing_month,
        kind,
        benefit_id,
        order_id,
        max(name) as name,
        billing_currency,
        count(*) as days,
        sum(used_cost) as used_cost,
        sum(unused_cost) as unused_cost,
        case when count(reserved_hours) = count(*) filter (where is_of_month) then sum(used_hours) end
            as used_hours,
        case
            when count(reserved_hours) = count(*) filter (where is_of_month) then sum(reserved_hours)
        end as reserved_hours,
        sum(used_cost_usd) as used_cost_usd,
        sum(unused_cost_usd) as unused_cost_usd
    from (
        select
            *,
            billing_month = to_char(date, '%Y-%m') as is_of_month
        from commitment_utilization
    )
    group by source, billing_month, kind, benefit_id, order_id, billing_currency
),

measured as (
    select
        *,
        cast(100 * used_hours / nullif(reserved_hours, 0) as double) as utilization_hours_pct,
        cast(100 * used_cost / nullif(used_cost + unused_cost, 0) as double)
            as utilization_cost_pct
    from months
)

select
    source,
    billing_month,
    kind,
    benefit_id,
    order_id,
    name,
    billing_currency,
    days,
    used_cost,
    unused_cost,
    used_hours,
    reserved_hours,
    coalesce(utilization_hours_pct, utilization_cost_pct) as utilization_pct,
    case
        when utilization_hours_pct is not null then 'hours'
        when utilization_cost_pct is not null then 'cost'
        else 'unknown'
    end as utilization_basis,
    utilization_hours_pct,
    utilization_cost_pct,
    used_cost_usd,
    unused_cost_usd
from measured
