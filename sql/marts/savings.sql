-- question: How much below list price does each scope pay, after what its idle commitments cost?
-- grain: scope_type, scope_id, source, billing_month, billing_currency
-- sources: scope_savings
-- columns:
--   scope_type: billing_account, billing_profile, customer_tenant or subscription
--   scope_id: id of the scope; NULL holds the rows that belong to none
--   scope_name: its name at the end of the month
--   source: bill connect
--   billing_month: month, YYYY-MM
--   billing_currency: currency of the amounts; two are never added
--   list_cost: list cost of priced usage rows, billing currency; NULL where every usage row is unpriced
--   cost: amortized cost of the same rows, billing currency
--   unused_cost: cost of idle reservations and savings plans, billing currency; NULL at subscription scope
--   savings: list_cost - cost - unused_cost, billing currency; may be negative; NULL with the reason in availability
--   savings_pct: 100 * savings / list_cost
--   unpriced_cost: cost of usage rows whose list price is unknown, billing currency
--   priced_coverage_pct: share of usage cost that could be priced, percent
--   list_cost_usd: list_cost, USD
--   cost_usd: cost, USD
--   unused_cost_usd: unused_cost, USD
--   savings_usd: savings, USD
--   unpriced_cost_usd: unpriced_cost, USD
--   availability: available; partial: some usage is unpriced; unknown: no usage could be priced; subscription_scope: Azure shows retail prices and no commitment cost there, so savings cannot be told
select
    scope_type,
    scope_id,
    scope_name,
    source,
    billing_month,
    billing_currency,
    list_cost,
    cost,
    unused_cost,
    savings,
    savings_pct,
    unpriced_cost,
    priced_coverage_pct,
    list_cost_usd,
    cost_usd,
    unused_cost_usd,
    savings_usd,
    unpriced_cost_usd,
    availability
from scope_savings
where
    member_type = 'whole'
    and scope_type in ('billing_account', 'billing_profile', 'customer_tenant', 'subscription')
