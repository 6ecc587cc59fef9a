-- question: What is each scope called in a month?
-- grain: source, billing_month, scope_type, scope_id
-- sources: cost_rows
-- rollup: source, billing_month
-- columns:
--   source: bill connect
--   billing_month: month, YYYY-MM
--   scope_type: billing_account, billing_profile, reseller, customer_tenant or subscription
--   scope_id: id of the scope, never NULL
--   scope_name: its name on the last day of the month it has one; a customer renamed in mid-month has the new one
with worn as (
    select
        source,
        billing_month,
        billing_account_id,
        billing_account_name,
        billing_profile_id,
        billing_profile_name,
        reseller_mpn_id,
        reseller_name,
        customer_tenant_id,
        customer_name,
        subscription_id,
        subscription_name,
        max(date) as last_day
    from cost_rows
    group by
        source,
        billing_month,
        billing_account_id,
        billing_account_name,
        billing_profile_id,
        billing_profile_name,
        reseller_mpn_id,
        reseller_name,
        customer_tenant_id,
        customer_name,
        subscription_id,
        subscription_name
),

named as (
    select
        source,
        billing_month,
        case
            when grouping(billing_account_id) = 0 then 'billing_account'
            when grouping(billing_profile_id) = 0 then 'billing_profile'
            when grouping(reseller_mpn_id) = 0 then 'reseller'
            when grouping(customer_tenant_id) = 0 then 'customer_tenant'
            else 'subscription'
        end as scope_type,
        coalesce(
            billing_account_id,
            billing_profile_id,
            reseller_mpn_id,
            customer_tenant_id,
            subscription_id
        ) as scope_id,
        coalesce(
            billing_account_name,
            billing_profile_name,
            reseller_name,
            customer_name,
            subscription_name
        ) as scope_name,
        max(last_day) as last_day
    from worn
    group by grouping sets (
        (source, billing_month, billing_account_id, billing_account_name),
        (source, billing_month, billing_profile_id, billing_profile_name),
        (source, billing_month, reseller_mpn_id, reseller_name),
        (source, billing_month, customer_tenant_id, customer_name),
        (source, billing_month, subscription_id, subscription_name)
    )
),

ranked as (
    select
        source,
        billing_month,
        scope_type,
        scope_id,
        scope_name,
        row_number() over (
            partition by source, billing_month, scope_type, scope_id
            order by last_day desc, scope_name
        ) as recency
    from named
    where scope_id is not null and scope_name is not null
)

select
    source,
    billing_month,
    scope_type,
    scope_id,
    scope_name
from ranked
where recency = 1
