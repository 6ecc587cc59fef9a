-- question: What did each day cost, at list price, at cost price, and on the invoice?
-- grain: source, billing_month, date, billing_account_id, billing_profile_id, reseller_mpn_id, customer_tenant_id, subscription_id, meter_category, charge_type, billing_currency
-- sources: adjusted_rows, cost_rows
-- rollup: source, billing_month
-- columns:
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
--   cost: cost price of all rows, from the amortized file, billing currency; NULL where that file has no such row
--   priced_cost: part of cost whose list price is known, billing currency; NULL where list_cost is
--   unpriced_cost: part of cost whose list price is unknown, billing currency; NULL where cost is
--   actual_cost: cost of all rows, from the actual file, billing currency; NULL where that file has no such row
--   adjusted_list_cost: list_cost after the partner's adjustments (costlake.toml), billing currency
--   adjusted_cost: cost after them, billing currency
--   margin: what customers are billed less cost, billing currency, over the rows whose billed amount is known: usage at its adjusted list price, or at its adjusted cost where [billing] says so; other charges at their adjusted cost; idle commitments at nothing where list prices are billed; NULL where none is known, and for sources at subscription scope, which do not show what is paid
--   unbilled_cost: part of cost that is in no margin, as it is unknown what is billed, or what is paid; billing currency; NULL where cost is
--   unbilled_rows: rows that are in no margin
--   list_cost_usd: list_cost, USD
--   cost_usd: cost, USD
--   priced_cost_usd: cost of the rows whose list cost is known in USD, USD
--   unpriced_cost_usd: unpriced_cost, USD
--   actual_cost_usd: actual_cost, USD
--   adjusted_list_cost_usd: adjusted_list_cost, USD
--   adjusted_cost_usd: adjusted_cost, USD
--   margin_usd: margin, USD, over the rows whose list cost is known in USD where list prices are billed
--   availability: available; partial: some usage is unpriced; unknown: no usage could be priced; not_applicable: no list price exists for such charges
with factored as (
    -- The factor is part of the key, so that sums are multiplied, not rows.
    select
        source,
        billing_month,
        date,
        billing_account_id,
        billing_profile_id,
        reseller_mpn_id,
        customer_tenant_id,
        max(customer_name) as customer_name,
        subscription_id,
        max(subscription_name) as subscription_name,
        meter_category,
        charge_type,
        billing_currency,
        adjustment_factor,
        billed_as,
        sum(list_cost) as list_cost,
        sum(cost) as cost,
        sum(cost) filter (where list_cost is not null) as priced_cost,
        coalesce(sum(cost) filter (where list_cost_basis = 'unknown'), 0) as unpriced_cost,
        sum(list_cost_usd) as list_cost_usd,
        sum(cost_usd) as cost_usd,
        sum(cost_usd) filter (where list_cost_usd is not null) as priced_cost_usd,
        coalesce(sum(cost_usd) filter (where list_cost_basis = 'unknown'), 0) as unpriced_cost_usd,
        count(*) filter (where list_cost_basis = 'unknown') as unpriced_rows,
        count(list_cost) as priced_rows,
        count(*) as rows
    from adjusted_rows
    group by
        source,
        billing_month,
        date,
        billing_account_id,
        billing_profile_id,
        reseller_mpn_id,
        customer_tenant_id,
        subscription_id,
        meter_category,
        charge_type,
        billing_currency,
        adjustment_factor,
        billed_as
),

amortized as (
    select
        *,
        list_cost * adjustment_factor as adjusted_list_cost,
        cost * adjustment_factor as adjusted_cost,
        list_cost_usd * adjustment_factor as adjusted_list_cost_usd,
        cost_usd * adjustment_factor as adjusted_cost_usd,
        case billed_as
            when 'adjusted_list' then list_cost * adjustment_factor - cost
            when 'adjusted_cost' then cost * adjustment_factor - cost
            when 'not_billed' then -cost
        end as margin,
        case when billed_as in ('unknown', 'cost_unknown') then cost else 0 end as unbilled_cost,
        case when billed_as in ('unknown', 'cost_unknown') then rows else 0 end as unbilled_rows,
        case billed_as
            -- Over the rows whose list cost is known in USD.
            when 'adjusted_list' then list_cost_usd * adjustment_factor - priced_cost_usd
            when 'adjusted_cost' then cost_usd * adjustment_factor - cost_usd
            when 'not_billed' then -cost_usd
        end as margin_usd
    from factored
),

actual as (
    select
        source,
        billing_month,
        date,
        billing_account_id,
        billing_profile_id,
        reseller_mpn_id,
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
        reseller_mpn_id,
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
        reseller_mpn_id,
        customer_tenant_id,
        customer_name,
        subscription_id,
        subscription_name,
        meter_category,
        charge_type,
        billing_currency,
        list_cost,
        cost,
        priced_cost,
        unpriced_cost,
        cast(null as decimal(38, 18)) as actual_cost,
        adjusted_list_cost,
        adjusted_cost,
        margin,
        unbilled_cost,
        unbilled_rows,
        list_cost_usd,
        cost_usd,
        priced_cost_usd,
        unpriced_cost_usd,
        cast(null as decimal(38, 18)) as actual_cost_usd,
        adjusted_list_cost_usd,
        adjusted_cost_usd,
        margin_usd,
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
        reseller_mpn_id,
        customer_tenant_id,
        customer_name,
        subscription_id,
        subscription_name,
        meter_category,
        charge_type,
        billing_currency,
        cast(null as decimal(38, 18)) as list_cost,
        cast(null as decimal(38, 18)) as cost,
        cast(null as decimal(38, 18)) as priced_cost,
        cast(null as decimal(38, 18)) as unpriced_cost,
        actual_cost,
        cast(null as decimal(38, 18)) as adjusted_list_cost,
        cast(null as decimal(38, 18)) as adjusted_cost,
        cast(null as decimal(38, 18)) as margin,
        cast(null as decimal(38, 18)) as unbilled_cost,
        0 as unbilled_rows,
        cast(null as decimal(38, 18)) as list_cost_usd,
        cast(null as decimal(38, 18)) as cost_usd,
        cast(null as decimal(38, 18)) as priced_cost_usd,
        cast(null as decimal(38, 18)) as unpriced_cost_usd,
        actual_cost_usd,
        cast(null as decimal(38, 18)) as adjusted_list_cost_usd,
        cast(null as decimal(38, 18)) as adjusted_cost_usd,
        cast(null as decimal(38, 18)) as margin_usd,
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
    reseller_mpn_id,
    customer_tenant_id,
    max(customer_name) as customer_name,
    subscription_id,
    max(subscription_name) as subscription_name,
    meter_category,
    charge_type,
    billing_currency,
    sum(list_cost) as list_cost,
    sum(cost) as cost,
    sum(priced_cost) as priced_cost,
    sum(unpriced_cost) as unpriced_cost,
    sum(actual_cost) as actual_cost,
    sum(adjusted_list_cost) as adjusted_list_cost,
    sum(adjusted_cost) as adjusted_cost,
    sum(margin) as margin,
    sum(unbilled_cost) as unbilled_cost,
    sum(unbilled_rows) as unbilled_rows,
    sum(list_cost_usd) as list_cost_usd,
    sum(cost_usd) as cost_usd,
    sum(priced_cost_usd) as priced_cost_usd,
    sum(unpriced_cost_usd) as unpriced_cost_usd,
    sum(actual_cost_usd) as actual_cost_usd,
    sum(adjusted_list_cost_usd) as adjusted_list_cost_usd,
    sum(adjusted_cost_usd) as adjusted_cost_usd,
    sum(margin_usd) as margin_usd,
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
    reseller_mpn_id,
    customer_tenant_id,
    subscription_id,
    meter_category,
    charge_type,
    billing_currency
