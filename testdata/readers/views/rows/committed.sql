-- Rows that commitments cause, and which one each names. None at subscription scope.
create table committed as
with paths as (
    select *,
        regexp_extract(benefit_path,
            '(reservationorders|savingsplanorders)/([^/]+)/[^/]+/([^/]*)$',
            ['orders', 'order_id', 'member']) as path
    from typed
    where case when file = 'amortized'
            then charge_type in ('Usage', 'UnusedReservation', 'UnusedSavingsPlan')
            else charge_type in ('Purchase', 'Refund') end
        and (benefit_path is not null or reservation_id is not null)
        and source in (select source from sources where scope_type <> 'subscription')
),
orders as (
    select *,
        case when path.orders = 'savingsplanorders' then 'SavingsPlan' else 'Reservation' end as kind,
        coalesce(nullif(path.order_id, ''), product_order_id) as order_id,
        coalesce(nullif(path.member, ''), reservation_id) as named
    from paths
)
select * exclude (path, named),
    case when file = 'actual' then 'bought' when charge_type = 'Usage' then 'used'
        else 'unused' end as part,
    case when named <> order_id then named end as commitment_id
from orders;
