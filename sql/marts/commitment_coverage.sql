-- question: How much of what commitments could cover do they cover?
-- grain: scope_type, scope_id, source, billing_month, billing_currency
-- sources: scope_coverage
-- columns:
--   scope_type: billing_account, billing_profile, customer_tenant or subscription
--   scope_id: id of the scope; NULL holds the rows that belong to none
--   scope_name: its name at the end of the month
--   source: bill connect
--   billing_month: month, YYYY-MM
--   billing_currency: currency of the amounts; two are never added
--   committed_list_cost: list cost of usage that reservations and savings plans covered, billing currency
--   reservation_list_cost: part of it that reservations covered
--   savings_plan_list_cost: part of it that savings plans covered
--   on_demand_list_cost: list cost of on-demand usage that could be covered, billing currency: that of meter categories in which commitments cover usage somewhere in the source
--   coverage_pct: 100 * committed_list_cost / (committed_list_cost + on_demand_list_cost)
--   unpriced_committed_cost: amortized cost of covered usage whose list price is unknown; it is in neither side, billing currency
--   unpriced_on_demand_cost: amortized cost of on-demand usage that could be covered and whose list price is unknown, billing currency; likewise
--   committed_list_cost_usd: committed_list_cost, USD
--   on_demand_list_cost_usd: on_demand_list_cost, USD
--   availability: available; partial: some usage of either side is unpriced, so coverage_pct is not exact; unknown: covered usage is all unpriced; subscription_scope: Azure shows no commitments there
select
    scope_type,
    scope_id,
    scope_name,
    source,
    billing_month,
    billing_currency,
    committed_list_cost,
    reservation_list_cost,
    savings_plan_list_cost,
    on_demand_list_cost,
    coverage_pct,
    unpriced_committed_cost,
    unpriced_on_demand_cost,
    committed_list_cost_usd,
    on_demand_list_cost_usd,
    availability
from scope_coverage
where
    scope_type in ('billing_account', 'billing_profile', 'customer_tenant', 'subscription')
