-- Hours of each reservation and day, whichever source brought them; several bring the same.
create table hours as
with by_source as (
    select source, lower(reservationorderid) as order_id, lower(reservationid) as commitment_id,
        day_of(usagedate) as date,
        sum(usedhours::double) as used_hours, max(reservedhours::double) as reserved_hours
    from reservation_details group by all
)
select order_id, commitment_id, date, max(used_hours) as used_hours,
    max(reserved_hours) as reserved_hours
from by_source group by all;
