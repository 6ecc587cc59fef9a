-- question: How many hours of each reservation does a load of a month tell for a day?
-- grain: source, billing_month, order_id, reservation_id, date
-- sources: reservation_details
-- rollup: source, billing_month
-- columns:
--   source: bill connect
--   billing_month: month of the load, YYYY-MM
--   order_id: order, lower-cased
--   reservation_id: reservation, lower-cased
--   date: UTC day
--   used_hours: hours used by all resources
--   reserved_hours: hours reserved
select
    source,
    billing_month,
    reservation_order_id as order_id,
    reservation_id,
    usage_date as date,
    sum(used_hours) as used_hours,
    -- Azure writes a reservation's hours of the day on every row of it, or on one
    -- with zeros on the others: then they are the largest. Hours of single units
    -- differ, or are together what the units have in a day.
    case
        when
            min(nullif(reserved_hours, 0)) = max(reserved_hours)
            and sum(reserved_hours) is distinct from 24 * max(total_reserved_quantity)
            then max(reserved_hours)
        when sum(reserved_hours) > 24 * max(total_reserved_quantity) then max(reserved_hours)
        else sum(reserved_hours)
    end as reserved_hours
from reservation_details
where reservation_id is not null
group by source, billing_month, reservation_order_id, reservation_id, usage_date
