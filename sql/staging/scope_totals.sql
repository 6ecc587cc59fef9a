-- question: What do the rows of both files add up to, by scope, kind of charge and invoice?
-- grain: dataset, source, billing_month, billing_currency, billing_account_id, billing_profile_id, customer_tenant_id, subscription_id, charge_type, invoice_id, previous_invoice_id
-- sources: cost_rows
-- rollup: source, billing_month
-- columns:
--   dataset: actual_cost or amortized_cost
--   source: bill connect
--   billing_month: month, YYYY-MM
--   billing_currency: currency of cost
--   billing_account_id: billing account
--   billing_profile_id: billing profile
--   billing_profile_name: its name
--   customer_tenant_id: customer
--   subscription_id: subscription; NULL on rows that belong to none
--   charge_type: charge type
--   invoice_id: invoice; NULL until there is one
--   previous_invoice_id: invoice that refunds and adjustments correct
--   rows: rows of the file
--   cost: their cost, billing currency
--   cost_usd: their cost, USD
select
    dataset,
    source,
    billing_month,
    billing_currency,
    billing_account_id,
    billing_profile_id,
    max(billing_profile_name) as billing_profile_name,
    customer_tenant_id,
    subscription_id,
    charge_type,
    invoice_id,
    previous_invoice_id,
    count(*) as rows,
    sum(cost) as cost,
    sum(cost_usd) as cost_usd
from cost_rows
group by
    dataset,
    source,
    billing_month,
    billing_currency,
    billing_account_id,
    billing_profile_id,
    customer_tenant_id,
    subscription_id,
    charge_type,
    invoice_id,
    previous_invoice_id
