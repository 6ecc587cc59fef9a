-- question: Which usage of each scope has no known list price, and why?
-- grain: scope_type, and the grain of unpriced_cost
-- sources: unpriced_cost, scope_types
-- columns:
--   scope_type: source, billing_account, billing_profile, reseller, customer_tenant or subscription
--   scope_id: id of the scope; NULL holds the rows that belong to none
--   source: bill connect
--   billing_month: month, YYYY-MM
--   billing_currency: currency of cost
--   billing_account_id: billing account
--   billing_profile_id: billing profile
--   reseller_mpn_id: tier-2 reseller
--   customer_tenant_id: customer
--   customer_name: its name at the end of the month
--   subscription_id: subscription
--   pricing_model: OnDemand, Reservation, SavingsPlan or Spot
--   meter_category: meter category
--   reason: why no rule of list_cost_basis applies
--   rows: usage rows
--   cost: their amortized cost, billing currency
--   cost_usd: their amortized cost, USD
select
    types.scope_type,
    case types.scope_type
        when 'source' then unpriced.source
        when 'billing_account' then unpriced.billing_account_id
        when 'billing_profile' then unpriced.billing_profile_id
        when 'reseller' then unpriced.reseller_mpn_id
        when 'customer_tenant' then unpriced.customer_tenant_id
        else unpriced.subscription_id
    end as scope_id,
    unpriced.source,
    unpriced.billing_month,
    unpriced.billing_currency,
    unpriced.billing_account_id,
    unpriced.billing_profile_id,
    unpriced.reseller_mpn_id,
    unpriced.customer_tenant_id,
    unpriced.customer_name,
    unpriced.subscription_id,
    unpriced.pricing_model,
    unpriced.meter_category,
    unpriced.reason,
    unpriced.rows,
    unpriced.cost,
    unpriced.cost_usd
from unpriced_cost as unpriced
cross join scope_types as types
where types.member_type = 'whole'
