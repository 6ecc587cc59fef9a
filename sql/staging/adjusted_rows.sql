-- question: By which factor does the partner adjust each amortized row, and what does it bill on?
-- grain: one row per row of priced_cost
-- sources: priced_cost, month_scopes
-- columns:
--   source: bill connect
--   billing_month: month, YYYY-MM
--   date: UTC day
--   billing_account_id: billing account
--   billing_profile_id: billing profile
--   reseller_mpn_id: tier-2 reseller
--   customer_tenant_id: customer
--   customer_name: its name that day
--   subscription_id: subscription
--   subscription_name: its name that day
--   meter_category: meter category
--   charge_type: charge type
--   billing_currency: currency of the amounts
--   list_cost: list cost, billing currency; NULL where not applicable or unknown
--   list_cost_usd: list cost, USD
--   list_cost_basis: how list_cost is known
--   cost: cost price, billing currency
--   cost_usd: cost price, USD
--   adjustment_factor: what list and cost price are multiplied with; 1 without adjustments
--   billed_price: list or cost: what customers are billed
--   billed_as: adjusted_list: at the adjusted list price; adjusted_cost: at the adjusted cost price, as customers are billed that or the charge has no list price; not_billed: idle commitments, where customers are billed list prices; unknown: the list price is unknown; cost_unknown: the source is at subscription scope, where Azure shows retail prices, not what is paid
with scoped as (
    select
        priced_cost.*,
        coalesce(month_scopes.scope_type = 'subscription', false) as at_subscription_scope
    from priced_cost
    left join month_scopes
        on
            priced_cost.source = month_scopes.source
            and priced_cost.billing_month = month_scopes.billing_month
),

factored as (
    select
        *,
        -- The rules of [[adjustments]] and prices of [billing] in costlake.toml take the
        -- place of these two.
        1.0 as adjustment_factor,
        'list' as billed_price
    from scoped
)

select
    source,
    billing_month,
    date,
    billing_account_id,
    billing_profile_id,
    reseller_mpn_id,
    customer_tenant_id,
    customer_name,
    subscription_id,
    subscription_name,
    meter_category,
    charge_type,
    billing_currency,
    list_cost,
    list_cost_usd,
    list_cost_basis,
    cost,
    cost_usd,
    adjustment_factor,
    billed_price,
    case
        when billed_price = 'list' and list_cost_basis = 'unknown' then 'unknown'
        when at_subscription_scope then 'cost_unknown'
        when billed_price = 'cost' then 'adjusted_cost'
        when charge_type in ('UnusedReservation', 'UnusedSavingsPlan') then 'not_billed'
        when list_cost_basis = 'not_applicable' then 'adjusted_cost'
        else 'adjusted_list'
    end as billed_as
from factored
