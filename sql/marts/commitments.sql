-- question: Which reservations and savings plans are there, when do they expire, and how well are they used?
-- grain: source, order_id, benefit_id, billing_currency
-- sources: commitment_totals, current_runs, source_scopes
-- columns:
--   source: bill connect
--   kind: Reservation or SavingsPlan; NULL only on the row that says why a source has no commitments
--   benefit_id: reservation or savings plan, lower-cased; the order id where no row has named it yet
--   order_id: order, lower-cased
--   name: latest name
--   product_name: product bought; where no purchase is loaded, the product used most
--   region: region, likewise
--   term_months: term in months
--   purchase_date: day it was bought; NULL where that day is not in the lake
--   expiry_date: first day it no longer covers, by its term; NULL where unknown
--   expiry_basis: purchase_plus_term or unknown
--   days_to_expiry: days from today (or --as-of) to expiry_date; negative after it; NULL where unknown
--   returned_date: day it was given back: refunded and not seen since; else NULL
--   status: active; expiring within 30 days; expired, or given back; unknown
--   billing_frequency: OneTime or Recurring; NULL where no purchase is loaded
--   billing_currency: currency of the amounts; two are never added
--   purchased_amount: purchases less refunds in the lake, billing currency; NULL where none is loaded
--   refunded_amount: part of it that was paid back, negative, billing currency
--   purchase_basis: commitment: its purchase rows name it; order: they name its order, which holds nothing else; order_shared_by_cost: the order's purchase is shared by amortized cost; order_shared_equally: shared evenly, as nothing is amortized yet; unknown: no purchase is loaded
--   owner_customer_tenant_id: customer it is billed to
--   owner_customer_name: its latest name
--   owner_subscription_id: subscription it is billed to
--   owner_subscription_name: its latest name
--   owner_billing_profile_id: billing profile it is billed to
--   owner_basis: purchase, unused or unknown: which rows tell the owner
--   used_cost: amortized cost of what was used, billing currency
--   unused_cost: amortized cost of what was idle, billing currency
--   utilization_pct: 100 * used_cost / (used_cost + unused_cost); NULL where both are 0
--   first_day: first day it is seen in the amortized file
--   last_day: last day it is seen
--   purchased_amount_usd: purchased_amount, USD
--   used_cost_usd: used_cost, USD
--   unused_cost_usd: unused_cost, USD
--   availability: available; no_purchase: no purchase is loaded; no_usage: not seen in the amortized file; subscription_scope: Azure shows no commitments there, the row stands for the source
with dated as (
    select
        totals.*,
        case
            when totals.frequency is distinct from 'Recurring' then totals.first_purchase
            when is_first_purchase then totals.first_purchase
        end as purchase_date,
        case
            when
                totals.last_refund > coalesce(totals.last_day, date '1970-01-01')
                and totals.last_refund <= totals.source_last_day
                then totals.last_refund
        end as returned_date
    from (
        select
            commitment_totals.*,
            -- A purchase that recurs shows the day of buying only where it is known to
            -- be the first: nothing was amortized before it, and the day before it is
            -- in the lake, in the amortized file or, for the first of a month, in the
            -- month before.
            coalesce(first_day >= first_purchase, true)
            and (
                (date_part('day', first_purchase) > 1 and amortized_run.run_id is not null)
                or (date_part('day', first_purchase) = 1 and month_before.run_id is not null)
            ) as is_first_purchase
        from commitment_totals
        left join current_runs as amortized_run
            on
                commitment_totals.source = amortized_run.source
                and amortized_run.dataset = 'amortized_cost'
                and to_char(first_purchase, '%Y-%m') = amortized_run.billing_month
        left join current_runs as month_before
            on
                commitment_totals.source = month_before.source
                and month_before.dataset = 'actual_cost'
                and to_char(first_purchase - interval '1 day', '%Y-%m') = month_before.billing_month
    ) as totals
),

expiring as (
    select
        *,
        purchase_date + cast(term_months || ' months' as interval) as expiry_date
    from dated
),

at_subscription_scope as (
    select source
    from source_scopes
    where scope_type = 'subscription'
)

select
    source,
    kind,
    coalesce(commitment_id, order_id) as benefit_id,
    order_id,
    name,
    product_name,
    region,
    term_months,
    purchase_date,
    expiry_date,
    case when expiry_date is null then 'unknown' else 'purchase_plus_term' end as expiry_basis,
    expiry_date - current_date() as days_to_expiry,
    returned_date,
    case
        when returned_date <= current_date() then 'expired'
        when expiry_date is null then 'unknown'
        when expiry_date <= current_date() then 'expired'
        when expiry_date <= current_date() + interval '30 days' then 'expiring'
        else 'active'
    end as status,
    frequency as billing_frequency,
    billing_currency,
    purchased_amount,
    refunded_amount,
    purchase_basis,
    owner_customer_tenant_id,
    owner_customer_name,
    owner_subscription_id,
    owner_subscription_name,
    owner_billing_profile_id,
    owner_basis,
    used_cost,
    unused_cost,
    cast(
        100 * coalesce(used_cost, 0)
        / nullif(coalesce(used_cost, 0) + coalesce(unused_cost, 0), 0)
        as double
    ) as utilization_pct,
    first_day,
    last_day,
    purchased_amount_usd,
    used_cost_usd,
    unused_cost_usd,
    case
        when first_day is null then 'no_usage'
        when purchased_amount is null then 'no_purchase'
        else 'available'
    end as availability
from expiring
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
    null as utilization_pct,
    null as first_day,
    null as last_day,
    null as purchased_amount_usd,
    null as used_cost_usd,
    null as unused_cost_usd,
    'subscription_scope' as availability
from at_subscription_scope
