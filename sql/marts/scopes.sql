-- question: Which billing accounts, billing profiles, customers and subscriptions are there?
-- grain: source, scope_type, scope_id
-- sources: scope_totals, scope_names, source_scopes
-- columns:
--   source: bill connect
--   source_scope_type: scope the source sees the bill at
--   scope_type: billing_account, billing_profile, customer_tenant or subscription
--   scope_id: id of the scope
--   scope_name: its latest name
--   billing_profile_id: billing profile of a customer or subscription; NULL where there are several
--   customer_tenant_id: customer of a subscription; NULL where there are several
--   first_month: first month it has rows in, YYYY-MM
--   last_month: last month it has rows in, YYYY-MM
--   months: months it has rows in
--   billing_currencies: currencies it is billed in, in order
--   rows: rows of both files
with scope_types as (
    select column1 as scope_type
    from (values ('billing_account'), ('billing_profile'), ('customer_tenant'), ('subscription'))
),

placed as (
    select
        source,
        billing_month,
        billing_currency,
        scope_types.scope_type,
        case scope_types.scope_type
            when 'billing_account' then billing_account_id
            when 'billing_profile' then billing_profile_id
            when 'customer_tenant' then customer_tenant_id
            else subscription_id
        end as scope_id,
        case when scope_types.scope_type in ('customer_tenant', 'subscription')
            then billing_profile_id end as billing_profile_id,
        case when scope_types.scope_type = 'subscription' then customer_tenant_id end
            as customer_tenant_id,
        rows
    from scope_totals
    cross join scope_types
),

summed as (
    select
        source,
        scope_type,
        scope_id,
        min(billing_profile_id) as least_profile,
        max(billing_profile_id) as most_profile,
        min(customer_tenant_id) as least_customer,
        max(customer_tenant_id) as most_customer,
        min(billing_month) as first_month,
        max(billing_month) as last_month,
        count(distinct billing_month) as months,
        string_agg(distinct billing_currency, ', ' order by billing_currency)
            as billing_currencies,
        sum(rows) as rows
    from placed
    where scope_id is not null
    group by source, scope_type, scope_id
)

select
    summed.source,
    source_scopes.scope_type as source_scope_type,
    summed.scope_type,
    summed.scope_id,
    scope_names.scope_name,
    case when least_profile = most_profile then least_profile end as billing_profile_id,
    case when least_customer = most_customer then least_customer end as customer_tenant_id,
    summed.first_month,
    summed.last_month,
    summed.months,
    summed.billing_currencies,
    summed.rows
from summed
left join source_scopes on summed.source = source_scopes.source
left join scope_names
    on
        summed.source = scope_names.source
        and summed.last_month = scope_names.billing_month
        and summed.scope_type = scope_names.scope_type
        and summed.scope_id = scope_names.scope_id
