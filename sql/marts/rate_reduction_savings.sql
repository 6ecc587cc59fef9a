-- question: Which kind of rate saves how much below list price, per scope?
-- grain: scope_type, scope_id, source, billing_month, billing_currency, rate_type
-- sources: scope_rate_savings
-- columns:
--   scope_type: billing_account, billing_profile, customer_tenant or subscription
--   scope_id: id of the scope; NULL holds the rows that belong to none
--   scope_name: its name at the end of the month
--   source: bill connect
--   billing_month: month, YYYY-MM
--   billing_currency: currency of the amounts; two are never added
--   rate_type: Reservation, SavingsPlan, Spot, PartnerEarnedCredit or Negotiated; each scope has all five
--   list_cost: cost before this rate, billing currency: list cost; for PartnerEarnedCredit the negotiated cost of the rows it is applied to
--   cost: cost after this rate, billing currency: amortized cost; for Negotiated the negotiated cost where credit is applied on top of it
--   gross_savings: list_cost - cost, billing currency
--   unused_cost: cost of idle commitments of this kind, billing currency
--   savings: gross_savings - unused_cost, billing currency; may be negative; adds up to savings.savings over the rate types
--   savings_pct: 100 * savings / list_cost
--   unpriced_cost: cost of usage rows of this kind whose list price is unknown, billing currency
--   list_cost_usd: list_cost, USD
--   cost_usd: cost, USD
--   gross_savings_usd: gross_savings, USD
--   unused_cost_usd: unused_cost, USD
--   savings_usd: savings, USD
--   availability: available; partial: some usage of this kind is unpriced; unknown: none of it could be priced; subscription_scope: Azure shows retail prices and no commitment cost there, so savings cannot be told
select
    scope_type,
    scope_id,
    scope_name,
    source,
    billing_month,
    billing_currency,
    rate_type,
    list_cost,
    cost,
    gross_savings,
    unused_cost,
    savings,
    savings_pct,
    unpriced_cost,
    list_cost_usd,
    cost_usd,
    gross_savings_usd,
    unused_cost_usd,
    savings_usd,
    availability
from scope_rate_savings
where
    scope_type in ('billing_account', 'billing_profile', 'customer_tenant', 'subscription')
