-- question: Which reservations and savings plans does each scope own?
-- grain: scope_type, and the grain of commitments
-- sources: commitments, rate_totals, scope_types
-- columns:
--   scope_type: source, billing_account, billing_profile, reseller, customer_tenant or subscription
--   scope_id: scope it is billed to; the reseller is that of the owner's subscription, else of the owner where it has one only; the billing account that of the owner's billing profile, else of the owner, else of the source, where that has one only; NULL where unknown
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
with resellers_of_subscriptions as (
    select
        source,
        subscription_id,
        last_value(reseller_mpn_id order by billing_month, reseller_mpn_id) as reseller_mpn_id
    from rate_totals
    where subscription_id is not null and reseller_mpn_id is not null
    group by source, subscription_id
),

resellers_of_customers as (
    select
        source,
        customer_tenant_id,
        min(reseller_mpn_id) as reseller_mpn_id
    from rate_totals
    where customer_tenant_id is not null
    group by source, customer_tenant_id
    having min(reseller_mpn_id) = max(reseller_mpn_id)
),

accounts_of_profiles as (
    select
        source,
        billing_profile_id,
        min(billing_account_id) as billing_account_id
    from rate_totals
    where billing_profile_id is not null
    group by source, billing_profile_id
    having min(billing_account_id) = max(billing_account_id)
),

accounts_of_customers as (
    select
        source,
        customer_tenant_id,
        min(billing_account_id) as billing_account_id
    from rate_totals
    where customer_tenant_id is not null
    group by source, customer_tenant_id
    having min(billing_account_id) = max(billing_account_id)
),

accounts_of_sources as (
    select
        source,
        min(billing_account_id) as billing_account_id
    from rate_totals
    group by source
    having min(billing_account_id) = max(billing_account_id)
)

select
    types.scope_type,
    case types.scope_type
        when 'source' then commitments.source
        when 'billing_account'
            then coalesce(
                accounts_of_profiles.billing_account_id,
                accounts_of_customers.billing_account_id,
                accounts_of_sources.billing_account_id
            )
        when 'billing_profile' then commitments.owner_billing_profile_id
        when 'reseller'
            then coalesce(
                resellers_of_subscriptions.reseller_mpn_id, resellers_of_customers.reseller_mpn_id
            )
        when 'customer_tenant' then commitments.owner_customer_tenant_id
        else commitments.owner_subscription_id
    end as scope_id,
    commitments.source,
    commitments.kind,
    commitments.benefit_id,
    commitments.order_id,
    commitments.name,
    commitments.product_name,
    commitments.region,
    commitments.term_months,
    commitments.purchase_date,
    commitments.expiry_date,
    commitments.expiry_basis,
    commitments.days_to_expiry,
    commitments.returned_date,
    commitments.status,
    commitments.billing_frequency,
    commitments.billing_currency,
    commitments.purchased_amount,
    commitments.refunded_amount,
    commitments.purchase_basis,
    commitments.owner_customer_tenant_id,
    commitments.owner_customer_name,
    commitments.owner_subscription_id,
    commitments.owner_subscription_name,
    commitments.owner_billing_profile_id,
    commitments.owner_basis,
    commitments.used_cost,
    commitments.unused_cost,
    commitments.used_hours,
    commitments.reserved_hours,
    commitments.utilization_pct,
    commitments.utilization_basis,
    commitments.utilization_hours_pct,
    commitments.utilization_cost_pct,
    commitments.first_day,
    commitments.last_day,
    commitments.purchased_amount_usd,
    commitments.used_cost_usd,
    commitments.unused_cost_usd,
    commitments.availability
from commitments
left join accounts_of_sources on commitments.source = accounts_of_sources.source
left join accounts_of_profiles
    on
        commitments.source = accounts_of_profiles.source
        and commitments.owner_billing_profile_id = accounts_of_profiles.billing_profile_id
left join accounts_of_customers
    on
        commitments.source = accounts_of_customers.source
        and commitments.owner_customer_tenant_id = accounts_of_customers.customer_tenant_id
left join resellers_of_subscriptions
    on
        commitments.source = resellers_of_subscriptions.source
        and commitments.owner_subscription_id = resellers_of_subscriptions.subscription_id
left join resellers_of_customers
    on
        commitments.source = resellers_of_customers.source
        and commitments.owner_customer_tenant_id = resellers_of_customers.customer_tenant_id
cross join scope_types as types
where
    types.member_type = 'whole'
    -- The row that says why a source has none belongs to the source.
    and (commitments.kind is not null or types.scope_type = 'source')
