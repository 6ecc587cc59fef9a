-- key: source billing_month billing_currency billing_profile_id customer_tenant_id subscription_id
-- key: status
with eligible as (
    select * exclude (customer_name, subscription_name),
        max(credit_rate) filter (where credit_applied) over (
            partition by source, billing_month, customer_tenant_id, subscription_id, billing_currency
        ) as peers_rate
    from priced
    where is_usage and pricing_model = 'OnDemand'
        and coalesce(product_order_name, 'Azure plan') = 'Azure plan'
        and source in (select source from sources where scope_type <> 'subscription')
),
judged as (
    select *,
        case when credit_applied then 'earned' when credit_rate > 0 then 'missed_rate'
            when peers_rate > 0 then 'missed_peers' end as status,
        case when credit_applied then null when credit_rate > 0 then credit_rate
            else peers_rate end as missed_rate
    from eligible
)
select source, billing_month, billing_currency, billing_profile_id, customer_tenant_id, customer_name,
    subscription_id, subscription_name, status, count(*) as rows,
    sum(case when status = 'earned' then contracted_cost else cost end) as eligible_cost,
    max(coalesce(missed_rate, credit_rate)) as credit_rate,
    sum(contracted_cost - cost) filter (where status = 'earned') as earned_credit,
    sum(cost * missed_rate) as missed_credit,
    sum(contracted_cost_usd - cost_usd) filter (where status = 'earned') as earned_credit_usd,
    sum(cost_usd * missed_rate) as missed_credit_usd
from judged
left join (select source, billing_month, scope_id as customer_tenant_id, scope_name as customer_name
    from names_in_month where scope_type = 'customer_tenant')
    using (source, billing_month, customer_tenant_id)
left join (select source, billing_month, scope_id as subscription_id, scope_name as subscription_name
    from names_in_month where scope_type = 'subscription')
    using (source, billing_month, subscription_id)
where status is not null
group by all
