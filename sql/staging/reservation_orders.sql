-- question: When was each reservation order bought and returned, by Azure's reservation transactions?
-- grain: order_id, currency
-- sources: reservation_transactions, current_runs
-- columns:
--   order_id: order, lower-cased
--   currency: currency of the amounts
--   source: bill connect the transactions are from, of several the first by name
--   purchase_date: day it was bought, in whatever currency; NULL where the transactions in the lake do not tell
--   cancel_date: day of its last cancellation or refund, where as many units were given back as were bought; else NULL
--   term_months: term in months
--   frequency: OneTime or Recurring
--   name: name of the order
--   sku_name: SKU bought
--   region: region
--   billing_profile_id: billing profile it is billed to
--   subscription_id: subscription that bought it
--   subscription_name: its name
--   amount: purchases less refunds in the lake
--   refunded_amount: part of it that was paid back, negative; NULL where none was
with typed as (
    select
        *,
        case when lower(event_type) = 'purchase' then 'purchase' else 'return' end as event,
        replace(lower(billing_frequency), ' ', '') as billed,
        cast(
            case
                when upper(term) like 'P%Y'
                    then 12 * try_cast(substr(term, 2, length(term) - 2) as int)
                when upper(term) like 'P%M' then try_cast(substr(term, 2, length(term) - 2) as int)
                else try_cast(term as int)
            end
            as int
        ) as months
    from reservation_transactions
    where reservation_order_id is not null
),

by_source as (
    select
        source,
        reservation_order_id as order_id,
        currency,
        event,
        min(event_date) as first_date,
        max(event_date) as last_date,
        max(months) as term_months,
        max(case billed when 'recurring' then 'Recurring' when 'onetime' then 'OneTime' end)
            as frequency,
        max(reservation_order_name) as name,
        max(arm_sku_name) as sku_name,
        max(region) as region,
        max(billing_profile_id) as billing_profile_id,
        max(purchasing_subscription_guid) as subscription_id,
        max(purchasing_subscription_name) as subscription_name,
        sum(amount) as amount,
        sum(amount) filter (where amount < 0) as refunded_amount,
        case event when 'purchase' then max(quantity) else sum(abs(quantity)) end as units
    from typed
    group by source, reservation_order_id, currency, event
),

-- A purchase that recurs is known to be the first where the month before it is in the
-- lake, too.
dated as (
    select
        by_source.*,
        (by_source.frequency is distinct from 'Recurring')
        or (month_before.run_id is not null) as is_first
    from by_source
    left join current_runs as month_before
        on
            by_source.source = month_before.source
            and month_before.dataset = 'reservation_transactions'
            and to_char(
                cast(date_trunc('month', by_source.first_date) as date) - interval '1 day',
                '%Y-%m'
            ) = month_before.billing_month
),

-- What several sources tell is the same, told again, or another part of it.
events as (
    select
        order_id,
        currency,
        event,
        min(source) as source,
        min(first_date) as first_date,
        first_value(is_first order by first_date, is_first desc) as is_first,
        max(last_date) as last_date,
        max(term_months) as term_months,
        max(frequency) as frequency,
        max(name) as name,
        max(sku_name) as sku_name,
        max(region) as region,
        max(billing_profile_id) as billing_profile_id,
        max(subscription_id) as subscription_id,
        max(subscription_name) as subscription_name,
        case event when 'purchase' then max(amount) else min(amount) end as amount,
        min(refunded_amount) as refunded_amount,
        max(units) as units
    from dated
    group by order_id, currency, event
),

-- Facts hold in every currency.
orders as (
    select
        order_id,
        case
            when first_value(is_first order by first_date) filter (where event = 'purchase')
                then min(first_date) filter (where event = 'purchase')
        end as purchase_date,
        case
            when
                coalesce(
                    sum(units) filter (where event = 'return')
                    >= max(units) filter (where event = 'purchase'),
                    true
                )
                then max(last_date) filter (where event = 'return')
        end as cancel_date,
        max(term_months) as term_months,
        max(frequency) as frequency,
        max(name) as name,
        max(sku_name) as sku_name,
        max(region) as region,
        max(billing_profile_id) as billing_profile_id,
        max(subscription_id) as subscription_id,
        max(subscription_name) as subscription_name
    from events
    group by order_id
),

amounts as (
    select
        order_id,
        currency,
        min(source) as source,
        sum(amount) as amount,
        sum(refunded_amount) as refunded_amount
    from events
    group by order_id, currency
)

select
    amounts.order_id,
    amounts.currency,
    amounts.source,
    orders.purchase_date,
    orders.cancel_date,
    orders.term_months,
    orders.frequency,
    orders.name,
    orders.sku_name,
    orders.region,
    orders.billing_profile_id,
    orders.subscription_id,
    orders.subscription_name,
    amounts.amount,
    amounts.refunded_amount
from amounts
inner join orders on amounts.order_id = orders.order_id
