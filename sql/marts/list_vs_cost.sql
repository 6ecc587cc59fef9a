-- question: What did each day cost, at list price, at cost price, and on the invoice?
-- grain: source, billing_month, date, billing_account_id, billing_profile_id, customer_tenant_id, subscription_id, meter_category, charge_type, billing_currency
-- sources: priced_cost, cost_rows
-- columns:
--   source: bill connect
--   billing_month: month, YYYY-MM
--   date: UTC day
--   billing_account_id: billing account
--   billing_profile_id: billing profile
--   customer_tenant_id: customer
--   customer_name: its name that day
--   subscription_id: subscription; NULL on rows that belong to none
--   subscription_name: its name that day
--   meter_category: meter category
--   charge_type: charge type
--   billing_currency: currency of the amounts; two are never added
--   list_cost: list cost of the priced rows, billing currency; NULL where none is priced
--   cost: cost price of all rows, from the amortized file, billing currency; NULL where that file has no such row
--   unpriced_cost: part of cost whose list price is unknown, billing currency
--   actual_cost: cost of all rows, from the actual file, billing currency; NULL where that file has no such row
--   list_cost_usd: list_cost, USD
--   cost_usd: cost, USD
--   unpriced_cost_usd: unpriced_cost, USD
--   actual_cost_usd: actual_cost, USD
--   availability: available; partial: some usage is unpriced; unknown: no usage could be priced; not_applicable: no list price exists for such charges
with amortized as (
    select
        source,
        billing_month,
        date,
        billing_account_id,
        billing_profile_id,
        customer_tenant_id,
        max(customer_name) as customer_name,
        subscription_id,
        max(subscription_name) as subscription_name,
        meter_category,
        charge_type,
        billing_currency,
        sum(list_cost) as list_cost,
        sum(cost) as cost,
        sum(cost) filter (where list_cost_basis = 'unknown') as unpriced_cost,
        sum(list_cost_usd) as list_cost_usd,
        sum(cost_usd) as cost_usd,
        sum(cost_usd) filter (where list_cost_basis = 'unknown') as unpriced_cost_usd,
        count(*) filter (where list_cost_basis = 'unknown') as unpriced_rows,
        count(list_cost) as priced_rows
    from priced_cost
    group by
        source,
        billing_month,
        date,
        billing_account_id,
        billing_profile_id,
        customer_tenant_id,
        subscription_id,
        meter_category,
        charge_type,
        billing_currency
),

actual as (
    select
        source,
        billing_month,
        date,
        billing_account_id,
        billing_profile_id,
        customer_tenant_id,
        max(customer_name) as customer_name,
        subscription_id,
        max(subscription_name) as subscription_name,
        meter_category,
        charge_type,
        billing_currency,
        sum(cost) as actual_cost,
        sum(cost_usd) as actual_cost_usd
    from cost_rows
    where dataset = 'actual_cost'
    group by
        source,
        billing_month,
        date,
        billing_account_id,
        billing_profile_id,
        customer_tenant_id,
        subscription_id,
        meter_category,
        charge_type,
        billing_currency
),

-- Stacked and grouped rather than joined: a NULL key then meets its like.
stacked as (
    select
        source,
        billing_month,
        date,
        billing_account_id,
        billing_profile_id,
        customer_tenant_id,
        customer_name,
        subscription_id,
        subscription_name,
        meter_category,
        charge_type,
        billing_currency,
        list_cost,
        cost,
        unpriced_cost,
        cast(null as decimal(38, 18)) as actual_cost,
        list_cost_usd,
        cost_usd,
        unpriced_cost_usd,
        cast(null as decimal(38, 18)) as actual_cost_usd,
        unpriced_rows,
        priced_rows
    from amortized
    union all
    select
        source,
        billing_month,
        date,
        billing_account_id,
        billing_profile_id,
        customer_tenant_id,
        customer_name,
        subscription_id,
        subscription_name,
        meter_category,
        charge_type,
        billing_currency,
        cast(null as decimal(38, 18)) as list_cost,
        cast(null as decimal(38, 18)) as cost,
        cast(null as decimal(38, 18)) as unpriced_cost,
        actual_cost,
        cast(null as decimal(38, 18)) as list_cost_usd,
        cast(null as decimal(38, 18)) as cost_usd,
        cast(null as decimal(38, 18)) as unpriced_cost_usd,
        actual_cost_usd,
        0 as unpriced_rows,
        0 as priced_rows
    from actual
)

select
    source,
    billing_month,
    date,
    billing_account_id,
    billing_profile_id,
    customer_tenant_id,
    max(customer_name) as customer_name,
    subscription_id,
    max(subscription_name) as subscription_name,
    meter_category,
    charge_type,
    billing_currency,
    sum(list_cost) as list_cost,
    sum(cost) as cost,
    sum(unpriced_cost) as unpriced_cost,
    sum(actual_cost) as actual_cost,
    sum(list_cost_usd) as list_cost_usd,
    sum(cost_usd) as cost_usd,
    sum(unpriced_cost_usd) as unpriced_cost_usd,
    sum(actual_cost_usd) as actual_cost_usd,
    case
        when sum(unpriced_rows) = 0 and sum(priced_rows) = 0 then 'not_applicable'
        when sum(unpriced_rows) = 0 then 'available'
        when sum(priced_rows) = 0 then 'unknown'
        else 'partial'
    end as availability
from stacked
group by
    source,
    billing_month,
    date,
    billing_account_id,
    billing_profile_id,
    customer_tenant_id,
    subscription_id,
    meter_category,
    charge_type,
    billing_currency
