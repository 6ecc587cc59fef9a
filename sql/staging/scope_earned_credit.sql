-- question: How much partner earned credit did each scope earn, and how much was missed?
-- grain: scope_type, and the grain of partner_earned_credit
-- sources: partner_earned_credit, scope_types
-- columns:
--   scope_type: source, billing_account, billing_profile, reseller, customer_tenant or subscription
--   scope_id: id of the scope; NULL holds the rows that belong to none
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
select
    types.scope_type,
    case types.scope_type
        when 'source' then credit.source
        when 'billing_account' then credit.billing_account_id
        when 'billing_profile' then credit.billing_profile_id
        when 'reseller' then credit.reseller_mpn_id
        when 'customer_tenant' then credit.customer_tenant_id
        else credit.subscription_id
    end as scope_id,
    credit.source,
    credit.billing_month,
    credit.billing_currency,
    credit.billing_account_id,
    credit.billing_profile_id,
    credit.reseller_mpn_id,
    credit.customer_tenant_id,
    credit.customer_name,
    credit.subscription_id,
    credit.subscription_name,
    credit.status,
    credit.rows,
    credit.eligible_cost,
    credit.credit_rate,
    credit.earned_credit,
    credit.missed_credit,
    credit.earned_credit_usd,
    credit.missed_credit_usd
from partner_earned_credit as credit
cross join scope_types as types
where types.member_type = 'whole'
