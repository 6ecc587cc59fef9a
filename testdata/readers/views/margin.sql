-- key: source billing_month customer_tenant_id billing_currency
with sums as (
    select source, billing_month, customer_tenant_id, billing_currency,
        sum(list_cost) as list_cost, sum(cost) as cost,
        sum(adjusted_list_cost) as adjusted_list_cost, sum(adjusted_cost) as adjusted_cost,
        sum(billed_cost) as billed_cost, sum(billed_cost - cost) as margin,
        coalesce(sum(cost) filter (where is_unbilled), 0) as unbilled_cost,
        sum(billed_cost_usd - cost_usd) as margin_usd,
        any_value(is_cost_unknown) as is_cost_unknown,
        count(*) filter (where is_usage) as usage_rows,
        count(*) filter (where is_unbilled) as unknown_rows
    from adjusted group by all
)
select sums.* exclude (is_cost_unknown, usage_rows, unknown_rows), scope_name as customer_name,
    percent(margin, billed_cost) as margin_pct,
    case when is_cost_unknown then 'subscription_scope' when unknown_rows = 0 then 'available'
        when unknown_rows < usage_rows then 'partial' else 'unknown' end as availability
from sums
left join (from names_in_month where scope_type = 'customer_tenant') names
    on names.source = sums.source and names.billing_month = sums.billing_month
    and names.scope_id = sums.customer_tenant_id
