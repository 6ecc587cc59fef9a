-- question: How much of each reservation and savings plan was used, day by day?
-- grain: source, billing_month, order_id, benefit_id, date, billing_currency
-- sources: commitment_usage, reservation_hours
-- columns:
--   source: bill connect
--   billing_month: month, YYYY-MM
--   date: UTC day
--   kind: Reservation or SavingsPlan
--   benefit_id: reservation or savings plan, lower-cased; the order where the rows name no more
--   order_id: order, lower-cased
--   name: its name that day
--   billing_currency: currency of the amounts; two are never added
--   used_cost: amortized cost of what was used, billing currency
--   unused_cost: amortized cost of what was idle, billing currency
--   used_hours: hours used, from reservation details; NULL where those are not loaded, and for savings plans
--   reserved_hours: hours reserved, likewise
--   utilization_pct: utilization_hours_pct where known, else utilization_cost_pct
--   utilization_basis: hours or cost: what utilization_pct is from; unknown where it is NULL
--   utilization_hours_pct: 100 * used_hours / reserved_hours; NULL where hours are unknown or none are reserved
--   utilization_cost_pct: 100 * used_cost / (used_cost + unused_cost); NULL where both are 0
--   used_cost_usd: used_cost, USD
--   unused_cost_usd: unused_cost, USD
with measured as (
    select
        days.*,
        hours.used_hours,
        hours.reserved_hours,
        cast(100 * hours.used_hours / nullif(hours.reserved_hours, 0) as double)
            as utilization_hours_pct,
        cast(100 * days.used_cost / nullif(days.used_cost + days.unused_cost, 0) as double)
            as utilization_cost_pct
    from commitment_usage as days
    left join reservation_hours as hours
        on
            days.kind = 'Reservation'
            and days.order_id = hours.order_id
            and days.benefit_id = hours.reservation_id
            and days.date = hours.date
            -- A late row of another month's day does not use that day once more.
            and days.billing_month = to_char(days.date, '%Y-%m')
)

select
    source,
    billing_month,
    date,
    kind,
    benefit_id,
    order_id,
    name,
    billing_currency,
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
