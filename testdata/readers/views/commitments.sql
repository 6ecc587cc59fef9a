-- key: source order_id benefit_id billing_currency
with seen as (
    select inventory.* exclude (used_cost, unused_cost, used_cost_usd, unused_cost_usd),
        case when first_day is not null then coalesce(used_cost, 0) end as used_cost,
        case when first_day is not null then coalesce(unused_cost, 0) end as unused_cost,
        case when first_day is not null then coalesce(used_cost_usd, 0) end as used_cost_usd,
        case when first_day is not null then coalesce(unused_cost_usd, 0) end as unused_cost_usd,
        used_hours, reserved_hours,
        case when purchased_amount is null then 'no_purchase' when first_day is null then 'no_usage'
            else 'available' end as availability
    from inventory
    left join utilized_hours on inventory.source = utilized_hours.source
        and inventory.kind = utilized_hours.kind and inventory.order_id = utilized_hours.order_id
        and inventory.commitment_id is not distinct from utilized_hours.commitment_id
    union all by name
    select source, order_id, currency as billing_currency, 'Reservation' as kind, name,
        sku_name as product_name, region, term_months, purchase_date,
        (purchase_date + to_months(term_months))::date as expiry_date,
        case when expiry_date is null then 'unknown' else 'reservation_transactions' end
            as expiry_basis,
        cancel_date as returned_date, frequency as billing_frequency,
        amount as purchased_amount, refunded as refunded_amount,
        case when currency = 'USD' then amount end as purchased_amount_usd,
        'reservation_transactions' as purchase_basis, 'reservation_transactions' as owner_basis,
        subscription_id as owner_subscription_id, billing_profile_id as owner_billing_profile_id,
        'transactions_only' as availability
    from transacted
    where order_id not in (select order_id from committed)
),
utilized as (from utilization_of('seen')),
judged as (
    select *, (expiry_date - getvariable('as_of'))::int as days_to_expiry from utilized
)
select source, order_id, coalesce(commitment_id, order_id) as benefit_id, billing_currency,
    kind, name, product_name, region, term_months, purchase_date, expiry_date, expiry_basis,
    days_to_expiry, returned_date,
    case when returned_date is not null or days_to_expiry <= 0 then 'expired'
        when days_to_expiry <= 30 then 'expiring' when days_to_expiry > 30 then 'active'
        else 'unknown' end as status,
    billing_frequency, purchased_amount, refunded_amount, purchase_basis,
    owner_customer_tenant_id, customers.scope_name as owner_customer_name,
    owner_subscription_id, subscriptions.scope_name as owner_subscription_name,
    owner_billing_profile_id, owner_basis,
    used_cost, unused_cost, used_hours, reserved_hours, utilization_pct, utilization_basis,
    utilization_hours_pct, utilization_cost_pct,
    first_day, last_day, purchased_amount_usd, used_cost_usd, unused_cost_usd, availability
from judged
left join (select source, scope_id as owner_customer_tenant_id, scope_name
    from latest_names where scope_type = 'customer_tenant') customers
    using (source, owner_customer_tenant_id)
left join (select source, scope_id as owner_subscription_id, scope_name
    from latest_names where scope_type = 'subscription') subscriptions
    using (source, owner_subscription_id)
union all by name
select source, 'subscription_scope' as availability from sources where scope_type = 'subscription'
