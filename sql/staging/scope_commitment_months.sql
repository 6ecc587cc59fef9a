-- question: How much of each scope's reservations and savings plans was used, month by month?
-- grain: scope_type, and the grain of commitment_utilization_monthly
-- sources: commitment_utilization_monthly, scope_commitments
-- columns:
--   scope_type: source, billing_account, billing_profile, reseller, customer_tenant or subscription
--   scope_id: scope that owns the commitment, as in scope_commitments
--   source: bill connect
--   billing_month: month, YYYY-MM
--   kind: Reservation or SavingsPlan
--   benefit_id: reservation or savings plan, lower-cased
--   order_id: order, lower-cased
--   name: latest name
--   product_name: product bought or used
--   region: region
--   owner_customer_name: customer it is billed to
--   owner_subscription_name: subscription it is billed to
--   expiry_date: first day it no longer covers; NULL where unknown
--   status: active, expiring, expired or unknown
--   billing_currency: currency of the amounts; two are never added
--   used_cost: amortized cost of what was used, billing currency
--   unused_cost: amortized cost of what was idle, billing currency
--   used_hours: hours used, from reservation details; NULL unless known for every day
--   reserved_hours: hours reserved, likewise
--   utilization_pct: percent used, by hours where known, else by cost
--   utilization_basis: hours, cost or unknown
--   used_cost_usd: used_cost, USD
--   unused_cost_usd: unused_cost, USD
select
    owned.scope_type,
    owned.scope_id,
    months.source,
    months.billing_month,
    months.kind,
    months.benefit_id,
    months.order_id,
    coalesce(owned.name, months.name) as name,
    owned.product_name,
    owned.region,
    owned.owner_customer_name,
    owned.owner_subscription_name,
    owned.expiry_date,
    owned.status,
    months.billing_currency,
    months.used_cost,
    months.unused_cost,
    months.used_hours,
    months.reserved_hours,
    months.utilization_pct,
    months.utilization_basis,
    months.used_cost_usd,
    months.unused_cost_usd
from commitment_utilization_monthly as months
inner join scope_commitments as owned
    on
        -- An order or a benefit that is not named is one of its own.
        (months.source is not distinct from owned.source)
        and (months.kind is not distinct from owned.kind)
        and (months.order_id is not distinct from owned.order_id)
        and (months.benefit_id is not distinct from owned.benefit_id)
        and (months.billing_currency is not distinct from owned.billing_currency)
