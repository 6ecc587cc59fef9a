-- key: source scope_type scope_id
select rows.source, sources.scope_type as source_scope_type, rows.scope_type, rows.scope_id,
    any_value(scope_name) as scope_name,
    case when count(distinct billing_profile_id) = 1
        then any_value(billing_profile_id)
            filter (where rows.scope_type in ('customer_tenant', 'subscription'))
        end as billing_profile_id,
    case when count(distinct customer_tenant_id) = 1
        then any_value(customer_tenant_id) filter (where rows.scope_type = 'subscription')
        end as customer_tenant_id,
    min(billing_month) as first_month, max(billing_month) as last_month,
    count(distinct billing_month) as months,
    string_agg(distinct billing_currency, ', ' order by billing_currency) as billing_currencies,
    count(*) as rows
from typed_in_scopes rows
join sources on sources.source = rows.source
left join latest_names
    on latest_names.source = rows.source and latest_names.scope_type = rows.scope_type
    and latest_names.scope_id = rows.scope_id
where rows.scope_id is not null
group by all
