-- question: Which reservations and savings plans waste the most, month by month?
-- grain: source, order_id, benefit_id, billing_month, billing_currency
-- sources: commitment_utilization_monthly, commitments
-- columns:
--   source: bill connect
--   billing_month: month, YYYY-MM
--   waste_rank: 1 for the largest unused_cost of the source, month and currency
--   kind: Reservation or SavingsPlan
--   benefit_id: reservation or savings plan, lower-cased
--   order_id: order, lower-cased
--   name: its name
--   billing_currency: currency of the amounts; two are never added
--   unused_cost: amortized cost of what was idle, billing currency; above 0
--   used_cost: amortized cost of what was used, billing currency
--   utilization_pct: percent used, by hours where known, else by cost
--   unused_cost_usd: unused_cost, USD
--   owner_customer_tenant_id: customer it is billed to
--   owner_customer_name: its latest name
--   owner_subscription_id: subscription it is billed to
--   expiry_date: first day it no longer covers; NULL where unknown
--   status: active, expiring, expired or unknown
select
    months.source,
    months.billing_month,
    row_number() over (
        partition by months.source, months.billing_month, months.billing_currency
        order by months.unused_cost desc, months.benefit_id
    ) as waste_rank,
    months.kind,
    months.benefit_id,
    months.order_id,
    months.name,
    months.billing_currency,
    months.unused_cost,
    months.used_cost,
    months.utilization_pct,
    months.unused_cost_usd,
    commitments.owner_customer_tenant_id,
    commitments.owner_customer_name,
    commitments.owner_subscription_id,
    commitments.expiry_date,
    commitments.status
from commitment_utilization_monthly as months
left join commitments
    on
        months.source = commitments.source
        and months.kind = commitments.kind
        and months.order_id = commitments.order_id
        and months.benefit_id = commitments.benefit_id
        and months.billing_currency = commitments.billing_currency
where months.unused_cost > 0
