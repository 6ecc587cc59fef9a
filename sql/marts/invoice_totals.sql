-- question: What does each invoice bill, by the actual file?
-- grain: source, invoice_id, billing_profile_id, billing_month, billing_currency
-- sources: scope_totals
-- columns:
--   source: bill connect
--   invoice_id: invoice; NULL for what is not invoiced yet
--   billing_profile_id: billing profile
--   billing_profile_name: its name
--   billing_month: month, YYYY-MM
--   billing_currency: currency of the amounts; two are never added
--   rows: rows of the actual file
--   billed_cost: all charges but tax, billing currency
--   usage_cost: of it, usage
--   purchase_cost: of it, purchases
--   refund_cost: of it, refunds, mostly negative
--   other_cost: of it, credits, adjustments and rounding
--   tax: tax rows, billing currency
--   total_cost: billed_cost + tax, billing currency
--   total_cost_usd: total_cost, USD
--   corrects_invoice_id: invoice that its refunds and adjustments correct, where they name one
select
    source,
    invoice_id,
    billing_profile_id,
    max(billing_profile_name) as billing_profile_name,
    billing_month,
    billing_currency,
    sum(rows) as rows,
    coalesce(sum(cost) filter (where charge_type is distinct from 'Tax'), 0) as billed_cost,
    coalesce(sum(cost) filter (where charge_type = 'Usage'), 0) as usage_cost,
    coalesce(sum(cost) filter (where charge_type = 'Purchase'), 0) as purchase_cost,
    coalesce(sum(cost) filter (where charge_type = 'Refund'), 0) as refund_cost,
    coalesce(
        sum(cost) filter (
            where coalesce(charge_type, '') not in ('Usage', 'Purchase', 'Refund', 'Tax')
        ),
        0
    ) as other_cost,
    coalesce(sum(cost) filter (where charge_type = 'Tax'), 0) as tax,
    sum(cost) as total_cost,
    sum(cost_usd) as total_cost_usd,
    max(previous_invoice_id) as corrects_invoice_id
from scope_totals
where dataset = 'actual_cost'
group by source, invoice_id, billing_profile_id, billing_month, billing_currency
