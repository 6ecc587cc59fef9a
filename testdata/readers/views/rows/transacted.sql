-- What the reservation transactions tell of an order, source by source.
create table transacted_by_source as
with told as (
    select source, lower(reservationorderid) as order_id, currency, billing_month,
        day_of(eventdate) as date, eventtype as event_type, amount::double as amount,
        abs(quantity::double) as units,
        replace(billingfrequency, ' ', '') as frequency, reservationordername as name,
        armskuname as sku_name, region, lower(billingprofileid) as billing_profile_id,
        purchasingsubscriptionguid as subscription_id,
        purchasingsubscriptionname as subscription_name,
        regexp_extract(term, '^P([0-9]+)', 1)::int * if(term like '%Y', 12, 1) as term_months
    from reservation_transactions
),
loaded as (
    select source, list(billing_month) as months from runs
    where file = 'reservation-transactions' group by all
),
by_source as (
    select source, order_id, currency,
        min(date) filter (where event_type = 'Purchase') as first_purchase,
        sum(units) filter (where event_type <> 'Purchase') as units_returned,
        max(units) filter (where event_type = 'Purchase') as units_bought,
        max(date) filter (where event_type <> 'Purchase') as last_return,
        max(frequency) as frequency, max(term_months) as term_months,
        max_by(name, date) as name, max_by(sku_name, date) as sku_name,
        max_by(region, date) as region, max_by(billing_profile_id, date) as billing_profile_id,
        max_by(subscription_id, date) as subscription_id,
        max_by(subscription_name, date) as subscription_name,
        coalesce(sum(amount) filter (where event_type = 'Purchase'), 0) as purchased,
        sum(amount) filter (where event_type <> 'Purchase') as given_back,
        sum(amount) filter (where amount < 0) as refunded
    from told group by all
),
dated as (
    select *,
        case when frequency = 'OneTime' or list_contains(
                months, strftime(first_purchase - interval 1 month, '%Y-%m'))
            then first_purchase end as purchase_date
    from by_source join loaded using (source)
)
select * exclude (months) from dated;

-- The facts of an order, in whatever currency it was paid and whichever source tells them.
create table transacted_orders as
select order_id, arg_min(purchase_date, (first_purchase, purchase_date is null)) as purchase_date,
    case when max(units_returned) < max(units_bought) then null else max(last_return) end
        as cancel_date,
    max(frequency) as frequency, max(term_months) as term_months,
    max(billing_profile_id) as billing_profile_id, max(subscription_id) as subscription_id,
    max(subscription_name) as subscription_name
from transacted_by_source group by all;

-- An order and currency, with the amounts of the source that has most of it.
create table transacted as
select order_id, currency, min(told.source) as source, any_value(orders.purchase_date) as purchase_date,
    any_value(orders.cancel_date) as cancel_date, any_value(orders.frequency) as frequency,
    any_value(orders.term_months) as term_months, max(name) as name, max(sku_name) as sku_name,
    max(region) as region, any_value(orders.billing_profile_id) as billing_profile_id,
    any_value(orders.subscription_id) as subscription_id,
    any_value(orders.subscription_name) as subscription_name,
    max(purchased) + coalesce(min(given_back), 0) as amount, min(refunded) as refunded
from transacted_by_source told join transacted_orders orders using (order_id)
group by all;
