-- question: What do priced rows add up to, by what made their rate?
-- grain: source, billing_month, billing_currency, billing_account_id, billing_profile_id, reseller_mpn_id, customer_tenant_id, subscription_id, rate_class
-- sources: priced_cost
-- rollup: source, billing_month
-- columns:
--   source: bill connect
--   billing_month: month, YYYY-MM
--   billing_currency: currency of the amounts; two are never added
--   billing_account_id: billing account
--   billing_profile_id: billing profile
--   reseller_mpn_id: tier-2 reseller
--   customer_tenant_id: customer
--   subscription_id: subscription; NULL on rows that belong to none
--   rate_class: Reservation, SavingsPlan, Spot; Credited where earned credit is applied; else Other
--   list_cost: list cost of priced rows, billing currency
--   contracted_cost: cost of the same rows at the negotiated price, billing currency
--   cost: amortized cost of the same rows, billing currency
--   unused_cost: cost of idle reservations and savings plans, billing currency
--   unpriced_cost: cost of usage rows whose list price is unknown, billing currency
--   priced_rows: priced rows
--   unpriced_rows: usage rows whose list price is unknown
--   list_cost_usd: list cost of the rows priced in USD
--   contracted_cost_usd: cost of the same rows at the negotiated price, USD
--   cost_usd: amortized cost of the same rows, USD
--   unused_cost_usd: unused_cost, USD
--   unpriced_cost_usd: cost of usage rows whose list price in USD is unknown, USD
--   priced_rows_usd: rows priced in USD
--   unpriced_rows_usd: usage rows whose list price in USD is unknown
with classified as (
    select
        source,
        billing_month,
        billing_currency,
        billing_account_id,
        billing_profile_id,
        reseller_mpn_id,
        customer_tenant_id,
        subscription_id,
        case
            when charge_type = 'UnusedReservation' or pricing_model = 'Reservation'
                then 'Reservation'
            when charge_type = 'UnusedSavingsPlan' or pricing_model = 'SavingsPlan'
                then 'SavingsPlan'
            when pricing_model = 'Spot' then 'Spot'
            when partner_earned_credit_applied then 'Credited'
            else 'Other'
        end as rate_class,
        charge_type in ('UnusedReservation', 'UnusedSavingsPlan') as is_unused,
        list_cost_basis = 'unknown' as is_unpriced,
        list_cost_basis <> 'not_applicable' and list_cost_usd is null as is_unpriced_usd,
        list_cost,
        contracted_cost,
        cost,
        list_cost_usd,
        contracted_cost_usd,
        cost_usd
    from priced_cost
)

select
    source,
    billing_month,
    billing_currency,
    billing_account_id,
    billing_profile_id,
    reseller_mpn_id,
    customer_tenant_id,
    subscription_id,
    rate_class,
    sum(list_cost) as list_cost,
    sum(contracted_cost) filter (where list_cost is not null) as contracted_cost,
    sum(cost) filter (where list_cost is not null) as cost,
    sum(cost) filter (where is_unused) as unused_cost,
    sum(cost) filter (where is_unpriced) as unpriced_cost,
    count(list_cost) as priced_rows,
    count(*) filter (where is_unpriced) as unpriced_rows,
    sum(list_cost_usd) as list_cost_usd,
    sum(contracted_cost_usd) filter (where list_cost_usd is not null) as contracted_cost_usd,
    sum(cost_usd) filter (where list_cost_usd is not null) as cost_usd,
    sum(cost_usd) filter (where is_unused) as unused_cost_usd,
    sum(cost_usd) filter (where is_unpriced_usd) as unpriced_cost_usd,
    count(list_cost_usd) as priced_rows_usd,
    count(*) filter (where is_unpriced_usd) as unpriced_rows_usd
from classified
group by
    source,
    billing_month,
    billing_currency,
    billing_account_id,
    billing_profile_id,
    reseller_mpn_id,
    customer_tenant_id,
    subscription_id,
    rate_class
