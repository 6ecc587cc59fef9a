-- question: How much partner earned credit was earned, and how much was missed?
-- grain: source, billing_month, billing_currency, billing_account_id, billing_profile_id, reseller_mpn_id, customer_tenant_id, subscription_id, status
-- sources: priced_cost, scope_names, month_scopes
-- columns:
--   source: bill connect; those at subscription scope show no credit and are absent
--   billing_month: month, YYYY-MM
--   billing_currency: currency of the amounts; two are never added
--   billing_account_id: billing account
--   billing_profile_id: billing profile
--   reseller_mpn_id: tier-2 reseller
--   customer_tenant_id: customer
--   customer_name: its name at the end of the month
--   subscription_id: subscription
--   subscription_name: its name at the end of the month
--   status: earned: the credit is applied; missed_rate: not applied although the row has a rate; missed_peers: no rate, but other usage of the subscription in the month earns it
--   rows: on-demand usage rows of the Azure plan
--   eligible_cost: their cost before credit, billing currency
--   credit_rate: rate as a fraction; of missed_peers the peers' highest
--   earned_credit: credit in the price, billing currency; NULL on missed rows
--   missed_credit: credit that was not applied, billing currency; NULL on earned rows
--   earned_credit_usd: earned_credit, USD
--   missed_credit_usd: missed_credit, USD
with summed as (
    select
        source,
        billing_month,
        billing_currency,
        billing_account_id,
        billing_profile_id,
        reseller_mpn_id,
        customer_tenant_id,
        subscription_id,
        coalesce(partner_earned_credit_applied, false) as is_applied,
        coalesce(partner_earned_credit_rate, 0) as rate,
        count(*) as rows,
        sum(coalesce(contracted_cost, cost)) as cost_before_credit,
        sum(contracted_cost - cost) as credit,
        sum(contracted_cost_usd - cost_usd) as credit_usd,
        sum(cost) as cost,
        sum(cost_usd) as cost_usd
    from priced_cost
    where
        charge_type = 'Usage'
        and pricing_model = 'OnDemand'
        and list_cost_basis <> 'not_applicable'
        -- Older files leave the order's name empty.
        and coalesce(lower(product_order_name), 'azure plan') = 'azure plan'
    group by
        source,
        billing_month,
        billing_currency,
        billing_account_id,
        billing_profile_id,
        reseller_mpn_id,
        customer_tenant_id,
        subscription_id,
        coalesce(partner_earned_credit_applied, false),
        coalesce(partner_earned_credit_rate, 0)
),

eligible as (
    select
        summed.*,
        -- The highest rate that usage of the same subscription earns that month.
        max(case when is_applied then rate end) over (
            partition by
                summed.source,
                summed.billing_month,
                customer_tenant_id,
                subscription_id,
                billing_currency
        ) as peer_rate
    from summed
    left join month_scopes
        on
            summed.source = month_scopes.source
            and summed.billing_month = month_scopes.billing_month
    where (month_scopes.scope_type is distinct from 'subscription')
),

judged as (
    select
        *,
        case
            when is_applied then 'earned'
            when rate > 0 then 'missed_rate'
            when peer_rate > 0 then 'missed_peers'
        end as status,
        case when is_applied or rate > 0 then rate else peer_rate end as credit_rate
    from eligible
),

grouped as (
    select
        source,
        billing_month,
        billing_currency,
        billing_account_id,
        billing_profile_id,
        reseller_mpn_id,
        customer_tenant_id,
        subscription_id,
        status,
        sum(rows) as rows,
        sum(case when status = 'earned' then cost_before_credit else cost end) as eligible_cost,
        max(credit_rate) as credit_rate,
        sum(case when status = 'earned' then credit end) as earned_credit,
        sum(case when status <> 'earned' then cost * credit_rate end) as missed_credit,
        sum(case when status = 'earned' then credit_usd end) as earned_credit_usd,
        sum(case when status <> 'earned' then cost_usd * credit_rate end) as missed_credit_usd
    from judged
    where status is not null
    group by
        source,
        billing_month,
        billing_currency,
        billing_account_id,
        billing_profile_id,
        reseller_mpn_id,
        customer_tenant_id,
        subscription_id,
        status
)

select
    grouped.source,
    grouped.billing_month,
    grouped.billing_currency,
    grouped.billing_account_id,
    grouped.billing_profile_id,
    grouped.reseller_mpn_id,
    grouped.customer_tenant_id,
    customers.scope_name as customer_name,
    grouped.subscription_id,
    subscriptions.scope_name as subscription_name,
    grouped.status,
    grouped.rows,
    grouped.eligible_cost,
    grouped.credit_rate,
    grouped.earned_credit,
    grouped.missed_credit,
    grouped.earned_credit_usd,
    grouped.missed_credit_usd
from grouped
left join scope_names as customers
    on
        grouped.source = customers.source
        and grouped.billing_month = customers.billing_month
        and customers.scope_type = 'customer_tenant'
        and grouped.customer_tenant_id = customers.scope_id
left join scope_names as subscriptions
    on
        grouped.source = subscriptions.source
        and grouped.billing_month = subscriptions.billing_month
        and subscriptions.scope_type = 'subscription'
        and grouped.subscription_id = subscriptions.scope_id
