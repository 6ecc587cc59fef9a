-- question: What did each commitment cause, day by day?
-- grain: source, billing_month, date, part, kind, order_id, commitment_id, benefit_name, product_name, region, term_months, frequency, billing_account_id, billing_profile_id, customer_tenant_id, customer_name, subscription_id, subscription_name, billing_currency
-- sources: commitment_rows
-- rollup: source, billing_month
-- columns:
--   source: bill connect; those at subscription scope have no such rows
--   billing_month: month, YYYY-MM
--   date: UTC day
--   part: used, unused, purchase or refund
--   kind: Reservation or SavingsPlan
--   order_id: order, lower-cased
--   commitment_id: reservation or savings plan, lower-cased; NULL on rows that name the order only
--   benefit_name: name of the commitment
--   product_name: product
--   region: region, as the row names it
--   term_months: term in months
--   frequency: OneTime, Recurring, UsageBased
--   billing_account_id: billing account
--   billing_profile_id: billing profile
--   customer_tenant_id: customer
--   customer_name: its name on that day
--   subscription_id: subscription
--   subscription_name: its name
--   billing_currency: currency of cost
--   cost: cost, billing currency; refunds are negative
--   cost_usd: cost, USD
select
    source,
    billing_month,
    date,
    part,
    kind,
    order_id,
    commitment_id,
    benefit_name,
    product_name,
    region,
    term_months,
    frequency,
    billing_account_id,
    billing_profile_id,
    customer_tenant_id,
    customer_name,
    subscription_id,
    subscription_name,
    billing_currency,
    sum(cost) as cost,
    sum(cost_usd) as cost_usd
from commitment_rows
group by
    source,
    billing_month,
    date,
    part,
    kind,
    order_id,
    commitment_id,
    benefit_name,
    product_name,
    region,
    term_months,
    frequency,
    billing_account_id,
    billing_profile_id,
    customer_tenant_id,
    customer_name,
    subscription_id,
    subscription_name,
    billing_currency
