-- question: What did each day cost each scope, and which of its customers and subscriptions caused it?
-- grain: scope_type, member_type, and the grain of list_vs_cost
-- sources: list_vs_cost, scope_types, month_scopes
-- columns:
--   scope_type: source, billing_account, billing_profile, reseller, customer_tenant or subscription
--   scope_id: id of the scope; NULL holds the rows that belong to none
--   member_type: what of the scope is told apart: whole: nothing; customer_tenant or subscription: each of those in it
--   member_id: that customer or subscription; NULL where whole, and for rows that belong to none
--   source: bill connect
--   billing_month: month, YYYY-MM
--   date: UTC day
--   billing_account_id: billing account
--   billing_profile_id: billing profile
--   reseller_mpn_id: tier-2 reseller
--   customer_tenant_id: customer
--   customer_name: its name that day
--   subscription_id: subscription; NULL on rows that belong to none
--   subscription_name: its name that day
--   meter_category: meter category
--   charge_type: charge type
--   billing_currency: currency of the amounts; two are never added
--   list_cost: list cost of the priced rows, billing currency; NULL where none is priced
--   priced_cost: part of total_cost whose list price is known, billing currency; NULL where list_cost is
--   unpriced_cost: part of total_cost whose list price is unknown, billing currency; NULL where total_cost is
--   total_cost: cost price of all rows, from the amortized file, billing currency; NULL where that file is not loaded
--   invoiced_cost: cost of all rows, from the actual file, billing currency; NULL where that file is not loaded, or of another scope than the amortized one
--   adjusted_list_cost: list_cost after the partner's adjustments (costlake.toml), billing currency
--   adjusted_cost: cost after them, billing currency
--   margin: what customers are billed less cost, billing currency, over the rows whose billed amount is known: usage at its adjusted list price, or at its adjusted cost where [billing] says so; other charges at their adjusted cost; idle commitments at nothing where list prices are billed; NULL where none is known, and for sources at subscription scope, which do not show what is paid
--   unbilled_cost: part of total_cost that is in no margin, as it is unknown what is billed, or what is paid; billing currency; NULL where total_cost is
--   unbilled_rows: rows that are in no margin
--   list_cost_usd: list_cost, USD
--   priced_cost_usd: cost of the rows whose list cost is known in USD, USD
--   unpriced_cost_usd: unpriced_cost, USD
--   total_cost_usd: total_cost, USD
--   invoiced_cost_usd: invoiced_cost, USD
--   adjusted_list_cost_usd: adjusted_list_cost, USD
--   adjusted_cost_usd: adjusted_cost, USD
--   margin_usd: margin, USD, over the rows whose list cost is known in USD where list prices are billed
--   availability: available; partial: some usage is unpriced; unknown: no usage could be priced; not_applicable: no list price exists for such charges
select
    types.scope_type,
    case types.scope_type
        when 'source' then costs.source
        when 'billing_account' then costs.billing_account_id
        when 'billing_profile' then costs.billing_profile_id
        when 'reseller' then costs.reseller_mpn_id
        when 'customer_tenant' then costs.customer_tenant_id
        else costs.subscription_id
    end as scope_id,
    types.member_type,
    case types.member_type
        when 'customer_tenant' then costs.customer_tenant_id
        when 'subscription' then costs.subscription_id
    end as member_id,
    costs.source,
    costs.billing_month,
    costs.date,
    costs.billing_account_id,
    costs.billing_profile_id,
    costs.reseller_mpn_id,
    costs.customer_tenant_id,
    costs.customer_name,
    costs.subscription_id,
    costs.subscription_name,
    costs.meter_category,
    costs.charge_type,
    costs.billing_currency,
    costs.list_cost,
    costs.priced_cost,
    -- A file that is loaded and has no such row tells that it costs nothing.
    case when months.has_amortized_cost then coalesce(costs.unpriced_cost, 0) end as unpriced_cost,
    case when months.has_amortized_cost then coalesce(costs.cost, 0) end as total_cost,
    case
        when months.has_actual_cost and not months.scopes_differ then coalesce(costs.actual_cost, 0)
    end as invoiced_cost,
    costs.adjusted_list_cost,
    costs.adjusted_cost,
    costs.margin,
    case when months.has_amortized_cost then coalesce(costs.unbilled_cost, 0) end as unbilled_cost,
    costs.unbilled_rows,
    costs.list_cost_usd,
    costs.priced_cost_usd,
    case when months.has_amortized_cost then coalesce(costs.unpriced_cost_usd, 0) end
        as unpriced_cost_usd,
    case when months.has_amortized_cost then coalesce(costs.cost_usd, 0) end as total_cost_usd,
    case
        when months.has_actual_cost and not months.scopes_differ
            then coalesce(costs.actual_cost_usd, 0)
    end as invoiced_cost_usd,
    costs.adjusted_list_cost_usd,
    costs.adjusted_cost_usd,
    costs.margin_usd,
    costs.availability
-- What is small stands first, to be held while the cost passes by.
from scope_types as types
cross join month_scopes as months
inner join list_vs_cost as costs
    on
        months.source = costs.source
        and months.billing_month = costs.billing_month
