-- key: source order_id benefit_id billing_month billing_currency
with months as (from utilization_of('utilized_month'))
select months.source, months.order_id, coalesce(months.commitment_id, months.order_id) as benefit_id,
    billing_month, months.billing_currency,
    rank() over (partition by months.source, billing_month, months.billing_currency
        order by months.unused_cost desc) as waste_rank,
    months.kind, months.name, months.unused_cost, months.used_cost,
    utilization_pct,
    months.unused_cost_usd, owner_customer_tenant_id, scope_name as owner_customer_name,
    owner_subscription_id, expiry_date,
    case when returned_date is not null or expiry_date <= getvariable('as_of') then 'expired'
        when expiry_date - getvariable('as_of') <= 30 then 'expiring'
        when expiry_date is not null then 'active' else 'unknown' end as status
from months
join inventory on months.source = inventory.source and months.kind = inventory.kind
    and months.order_id = inventory.order_id
    and months.commitment_id is not distinct from inventory.commitment_id
    and months.billing_currency = inventory.billing_currency
left join latest_names on latest_names.source = months.source
    and latest_names.scope_type = 'customer_tenant'
    and latest_names.scope_id = owner_customer_tenant_id
where months.unused_cost > 0
