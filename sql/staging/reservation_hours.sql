-- question: How many hours of each reservation were there on a day, and how many were used?
-- grain: order_id, reservation_id, date
-- sources: reservation_days
-- columns:
--   order_id: order, lower-cased
--   reservation_id: reservation, lower-cased
--   date: UTC day
--   used_hours: hours used by all resources
--   reserved_hours: hours reserved
select
    order_id,
    reservation_id,
    date,
    -- A day that several sources or months hold is the same day.
    max(used_hours) as used_hours,
    max(reserved_hours) as reserved_hours
from reservation_days
group by order_id, reservation_id, date
