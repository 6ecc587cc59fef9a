-- question: Which reservations and savings plans are there, when do they expire, and how well are they used?
-- grain: source, order_id, benefit_id, billing_currency
-- sources: commitment_totals, commitment_utilization, reservation_orders, scope_names, current_runs, source_scopes
-- columns:
--   source: bill connect
--   kind: Reservation or SavingsPlan; NULL only on the row that says why a source has no commitments
--   benefit_id: reservation or savings plan, lower-cased; the order id where no row has named it yet
--   order_id: order, lower-cased
--   name: latest name
--   product_name: product bought; where no purchase is loaded, the product last used, of several the first by name
--   region: region, likewise
--   term_months: term in months
--   purchase_date: day it was bought; NULL where that day is not in the lake
--   expiry_date: first day it no longer covers, by its term; NULL where unknown
--   expiry_basis: reservation_transactions: purchase day and term by Azure's transactions; purchase_plus_term: by the cost files; unknown
--   days_to_expiry: days from today (or --as-of) to expiry_date; negative after it; NULL where unknown
--   returned_date: day it was given back: refunded or canceled, not seen since, and the amortized files go on beyond that day; else NULL
--   status: active; expiring within 30 days; expired, or given back; unknown
--   billing_frequency: OneTime or Recurring; NULL where no purchase or transaction is loaded
--   billing_currency: currency of the amounts; two are never added
--   purchased_amount: purchases less refunds in the actual files of the lake (where availability is transactions_only, in the transactions), billing currency; NULL where none is loaded
--   refunded_amount: part of it that was paid back, negative, billing currency
--   purchase_basis: commitment: its purchase rows name it; order: they name its order, which holds nothing else; order_shared_by_cost: the order's purchase is shared by amortized cost; order_shared_equally: shared evenly, as nothing is amortized yet; reservation_transactions: known from there only; unknown: no purchase is loaded
--   owner_customer_tenant_id: customer it is billed to
--   owner_customer_name: its latest name
--   owner_subscription_id: subscription it is billed to
--   owner_subscription_name: its latest name
--   owner_billing_profile_id: billing profile it is billed to
--   owner_basis: which rows tell the owner: purchase or unused rows of the cost files, else reservation_transactions (the subscription and billing profile only), else unknown
--   used_cost: amortized cost of what was used, billing currency; NULL where it is not in the amortized files
--   unused_cost: amortized cost of what was idle, billing currency; likewise
--   used_hours: hours used, from reservation details; NULL unless those are known for every day from first_day to last_day that is in the amortized files
--   reserved_hours: hours reserved, likewise
--   utilization_pct: utilization_hours_pct where known, else utilization_cost_pct
--   utilization_basis: hours or cost: what utilization_pct is from; unknown where it is NULL
--   utilization_hours_pct: 100 * used_hours / reserved_hours; NULL where hours are unknown or none are reserved
--   utilization_cost_pct: 100 * used_cost / (used_cost + unused_cost); NULL where both are 0
--   first_day: first day it is seen in the amortized file
--   last_day: last day it is seen
--   purchased_amount_usd: purchased_amount, USD
--   used_cost_usd: used_cost, USD
--   unused_cost_usd: unused_cost, USD
--   availability: available; no_purchase: no purchase is loaded; no_usage: not seen in the amortized file; transactions_only: not seen in the cost files, its order is in the reservation transactions; subscription_scope: Azure shows no commitments there, the row stands for the source
with transactions as (
    -- What they say of an order holds in every currency.
    select
        order_id,
        min(purchase_date) as purchase_date,
        max(cancel_date) as cancel_date,
        max(term_months) as term_months,
        max(frequency) as frequency,
        min(billing_profile_id) as billing_profile_id,
        min(subscription_id) as subscription_id,
        min(subscription_name) as subscription_name
    from reservation_orders
    group by order_id
),

known as (
    select
        totals.*,
        transactions.purchase_date as transaction_date,
        transactions.term_months as transaction_term_months,
        transactions.billing_profile_id as transaction_billing_profile_id,
        transactions.subscription_id as transaction_subscription_id,
        transactions.subscription_name as transaction_subscription_name,
        coalesce(totals.frequency, transactions.frequency) as billing_frequency,
        greatest(totals.last_refund, transactions.cancel_date) as last_return,
        -- A purchase that recurs shows the day of buying only where it is known to
        -- be the first: nothing was amortized before it, and the day before it is
        -- in the lake, in the amortized file or, for the first of a month, in the
        -- month before.
        case
            when totals.frequency is distinct from 'Recurring' then totals.first_purchase
            when
                coalesce(totals.first_day >= totals.first_purchase, true)
                and (
                    (date_part('day', totals.first_purchase) > 1 and amortized_run.run_id is not null)
                    or (date_part('day', totals.first_purchase) = 1 and month_before.run_id is not null)
                )
                then totals.first_purchase
        end as cost_file_date
    from commitment_totals as totals
    left join current_runs as amortized_run
        on
            totals.source = amortized_run.source
            and amortized_run.dataset = 'amortized_cost'
            and to_char(totals.first_purchase, '%Y-%m') = amortized_run.billing_month
    left join current_runs as month_before
        on
            totals.source = month_before.source
            and month_before.dataset = 'actual_cost'
            and to_char(totals.first_purchase - interval '1 day', '%Y-%m') = month_before.billing_month
    left join transactions
        on
            totals.kind = 'Reservation'
            and totals.order_id = transactions.order_id
),

-- How far the amortized files of a source go: to the end of the month, or to the day
-- before Azure wrote a month that was still open.
reach as (
    select
        source,
        max(
            least(
                cast(
                    cast(billing_month || '-01' as date) + interval '1 month' - interval '1 day'
                    as date
                ),
                coalesce(cast(submitted_at as date) - 1, date '9999-12-31')
            )
        ) as known_through
    from current_runs
    where dataset = 'amortized_cost'
    group by source
),

expiring as (
    select
        known.*,
        coalesce(transaction_date, cost_file_date) as purchase_date,
        case
            when transaction_date is not null then coalesce(transaction_term_months, term_months)
            else coalesce(term_months, transaction_term_months)
        end as term,
        case
            when last_return >= coalesce(last_day, last_return) and last_return < known_through
                then last_return
        end as returned_date,
        case
            when transaction_date is not null and coalesce(transaction_term_months, term_months) is not null
                then 'reservation_transactions'
            when cost_file_date is not null and coalesce(term_months, transaction_term_months) is not null
                then 'purchase_plus_term'
            else 'unknown'
        end as expiry_basis,
        case
            when transaction_date is not null
                then transaction_date + cast(coalesce(transaction_term_months, term_months) || ' months' as interval)
            else cost_file_date + cast(coalesce(term_months, transaction_term_months) || ' months' as interval)
        end as expiry_date
    from known
    left join reach on known.source = reach.source
),

-- The same day in two currencies has the same hours.
hours as (
    select
        source,
        kind,
        order_id,
        benefit_id,
        case when count(reserved_hours) = count(*) then sum(used_hours) end as used_hours,
        case when count(reserved_hours) = count(*) then sum(reserved_hours) end as reserved_hours
    from (
        select
            source,
            kind,
            order_id,
            benefit_id,
            date,
            max(used_hours) as used_hours,
            max(reserved_hours) as reserved_hours
        from commitment_utilization
        group by source, kind, order_id, benefit_id, date
    )
    group by source, kind, order_id, benefit_id
),

latest_names as (
    select
        source,
        scope_type,
        scope_id,
        last_value(scope_name order by billing_month) as name
    from scope_names
    where scope_type in ('customer_tenant', 'subscription')
    group by source, scope_type, scope_id
),

owned as (
    select
        expiring.source,
        expiring.kind,
        coalesce(expiring.commitment_id, expiring.order_id) as benefit_id,
        expiring.order_id,
        expiring.name,
        expiring.product_name,
        expiring.region,
        expiring.term as term_months,
        expiring.purchase_date,
        expiring.expiry_date,
        expiring.expiry_basis,
        expiring.returned_date,
        expiring.billing_frequency,
        expiring.billing_currency,
        expiring.purchased_amount,
        expiring.refunded_amount,
        expiring.purchase_basis,
        expiring.owner_customer_tenant_id,
        expiring.owner_customer_name,
        case
            when expiring.owner_basis = 'unknown' then expiring.transaction_subscription_id
            else expiring.owner_subscription_id
        end as owner_subscription_id,
        case
            when expiring.owner_basis = 'unknown' then expiring.transaction_subscription_name
            else expiring.owner_subscription_name
        end as owner_subscription_name,
        case
            when expiring.owner_basis = 'unknown' then expiring.transaction_billing_profile_id
            else expiring.owner_billing_profile_id
        end as owner_billing_profile_id,
        case
            when
                expiring.owner_basis = 'unknown'
                and coalesce(expiring.transaction_subscription_id, expiring.transaction_billing_profile_id)
                is not null
                then 'reservation_transactions'
            else expiring.owner_basis
        end as owner_basis,
        -- Seen in the amortized files and nothing of it in this currency: 0.
        case when expiring.first_day is not null then coalesce(expiring.used_cost, 0) end
            as used_cost,
        case when expiring.first_day is not null then coalesce(expiring.unused_cost, 0) end
            as unused_cost,
        hours.used_hours,
        hours.reserved_hours,
        expiring.first_day,
        expiring.last_day,
        expiring.purchased_amount_usd,
        case when expiring.first_day is not null then coalesce(expiring.used_cost_usd, 0) end
            as used_cost_usd,
        case when expiring.first_day is not null then coalesce(expiring.unused_cost_usd, 0) end
            as unused_cost_usd,
        case
            when expiring.first_day is null then 'no_usage'
            when expiring.purchased_amount is null then 'no_purchase'
            else 'available'
        end as availability
    from expiring
    left join hours
        on
            expiring.source = hours.source
            and expiring.kind = hours.kind
            and expiring.order_id = hours.order_id
            and coalesce(expiring.commitment_id, expiring.order_id) = hours.benefit_id
    union all
    select
        orders.source,
        'Reservation' as kind,
        orders.order_id as benefit_id,
        orders.order_id,
        orders.name,
        orders.sku_name as product_name,
        orders.region,
        orders.term_months,
        orders.purchase_date,
        orders.purchase_date + cast(orders.term_months || ' months' as interval) as expiry_date,
        case
            when orders.purchase_date is null or orders.term_months is null then 'unknown'
            else 'reservation_transactions'
        end as expiry_basis,
        -- Nothing shows it in use after it was given back.
        orders.cancel_date as returned_date,
        orders.frequency as billing_frequency,
        orders.currency as billing_currency,
        orders.amount as purchased_amount,
        orders.refunded_amount,
        'reservation_transactions' as purchase_basis,
        null as owner_customer_tenant_id,
        null as owner_customer_name,
        orders.subscription_id as owner_subscription_id,
        orders.subscription_name as owner_subscription_name,
        orders.billing_profile_id as owner_billing_profile_id,
        'reservation_transactions' as owner_basis,
        null as used_cost,
        null as unused_cost,
        null as used_hours,
        null as reserved_hours,
        null as first_day,
        null as last_day,
        case when orders.currency = 'USD' then orders.amount end as purchased_amount_usd,
        null as used_cost_usd,
        null as unused_cost_usd,
        'transactions_only' as availability
    from reservation_orders as orders
    left anti join commitment_totals as seen on orders.order_id = seen.order_id
),

measured as (
    select
        owned.*,
        coalesce(customers.name, owned.owner_customer_name) as latest_customer_name,
        coalesce(subscriptions.name, owned.owner_subscription_name) as latest_subscription_name,
        cast(100 * used_hours / nullif(reserved_hours, 0) as double) as utilization_hours_pct,
        cast(
            100 * coalesce(used_cost, 0)
            / nullif(coalesce(used_cost, 0) + coalesce(unused_cost, 0), 0)
            as double
        ) as utilization_cost_pct
    from owned
    left join latest_names as customers
        on
            owned.source = customers.source
            and customers.scope_type = 'customer_tenant'
            and owned.owner_customer_tenant_id = customers.scope_id
    left join latest_names as subscriptions
        on
            owned.source = subscriptions.source
            and subscriptions.scope_type = 'subscription'
            and owned.owner_subscription_id = subscriptions.scope_id
),

at_subscription_scope as (
    select source
    from source_scopes
    where scope_type = 'subscription'
)

select
    source,
    kind,
    benefit_id,
    order_id,
    name,
    product_name,
    region,
    term_months,
    purchase_date,
    expiry_date,
    expiry_basis,
    expiry_date - current_date() as days_to_expiry,
    returned_date,
    case
        when returned_date <= current_date() then 'expired'
        when expiry_date is null then 'unknown'
        when expiry_date <= current_date() then 'expired'
        when expiry_date <= current_date() + interval '30 days' then 'expiring'
        else 'active'
    end as status,
    billing_frequency,
    billing_currency,
    purchased_amount,
    refunded_amount,
    purchase_basis,
    owner_customer_tenant_id,
    latest_customer_name as owner_customer_name,
    owner_subscription_id,
    latest_subscription_name as owner_subscription_name,
    owner_billing_profile_id,
    owner_basis,
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
    first_day,
    last_day,
    purchased_amount_usd,
    used_cost_usd,
    unused_cost_usd,
    availability
from measured
union all
select
    source,
    null as kind,
    null as benefit_id,
    null as order_id,
    null as name,
    null as product_name,
    null as region,
    null as term_months,
    null as purchase_date,
    null as expiry_date,
    null as expiry_basis,
    null as days_to_expiry,
    null as returned_date,
    null as status,
    null as billing_frequency,
    null as billing_currency,
    null as purchased_amount,
    null as refunded_amount,
    null as purchase_basis,
    null as owner_customer_tenant_id,
    null as owner_customer_name,
    null as owner_subscription_id,
    null as owner_subscription_name,
    null as owner_billing_profile_id,
    null as owner_basis,
    null as used_cost,
    null as unused_cost,
    null as used_hours,
    null as reserved_hours,
    null as utilization_pct,
    null as utilization_basis,
    null as utilization_hours_pct,
    null as utilization_cost_pct,
    null as first_day,
    null as last_day,
    null as purchased_amount_usd,
    null as used_cost_usd,
    null as unused_cost_usd,
    'subscription_scope' as availability
from at_subscription_scope
