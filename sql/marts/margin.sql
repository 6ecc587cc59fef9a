-- question: What does the partner earn on each customer, month by month?
-- grain: source, billing_month, customer_tenant_id, billing_currency
-- sources: list_vs_cost, scope_names, month_scopes
-- columns:
--   source: bill connect
--   billing_month: month, YYYY-MM
--   customer_tenant_id: customer; NULL holds the rows that belong to none
--   customer_name: its name at the end of the month
--   billing_currency: currency of the amounts; two are never added
--   list_cost: list cost of the priced rows, billing currency
--   cost: cost price of all rows, from the amortized file, billing currency
--   adjusted_list_cost: list_cost after the partner's adjustments (costlake.toml), billing currency
--   adjusted_cost: cost after them, billing currency
--   billed_cost: what the customer is billed for the rows of which that is known, billing currency: margin and the cost of those rows
--   margin: billed_cost less the cost of the same rows, billing currency; NULL where none is known
--   margin_pct: 100 * margin / billed_cost
--   unbilled_cost: part of cost that is in no margin, as it is unknown what is billed, or what is paid; billing currency
--   margin_usd: margin, USD
--   availability: available; partial: some usage has no known list price to bill; unknown: none has; subscription_scope: the source does not show what is paid
with customers as (
    select
        source,
        billing_month,
        customer_tenant_id,
        billing_currency,
        sum(list_cost) as list_cost,
        sum(cost) as cost,
        sum(adjusted_list_cost) as adjusted_list_cost,
        sum(adjusted_cost) as adjusted_cost,
        sum(margin) as margin,
        sum(margin_usd) as margin_usd,
        sum(unbilled_cost) as unbilled_cost,
        sum(unbilled_rows) as unbilled_rows
    from list_vs_cost
    group by source, billing_month, customer_tenant_id, billing_currency
),

billed as (
    select
        *,
        margin + cost - unbilled_cost as billed_cost
    from customers
    where cost is not null
)

select
    billed.source,
    billed.billing_month,
    billed.customer_tenant_id,
    scope_names.scope_name as customer_name,
    billed.billing_currency,
    billed.list_cost,
    billed.cost,
    billed.adjusted_list_cost,
    billed.adjusted_cost,
    billed.billed_cost,
    billed.margin,
    cast(100 * billed.margin / nullif(billed.billed_cost, 0) as double) as margin_pct,
    billed.unbilled_cost,
    billed.margin_usd,
    case
        when month_scopes.scope_type = 'subscription' then 'subscription_scope'
        when billed.margin is null then 'unknown'
        when billed.unbilled_rows > 0 then 'partial'
        else 'available'
    end as availability
from billed
left join month_scopes
    on
        billed.source = month_scopes.source
        and billed.billing_month = month_scopes.billing_month
left join scope_names
    on
        billed.source = scope_names.source
        and billed.billing_month = scope_names.billing_month
        and scope_names.scope_type = 'customer_tenant'
        and billed.customer_tenant_id = scope_names.scope_id
