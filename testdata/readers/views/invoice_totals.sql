-- key: source invoice_id billing_profile_id billing_month billing_currency
select source, invoice_id, billing_profile_id, billing_month, billing_currency,
    max_by(billing_profile_name, date) as billing_profile_name,
    count(*) as rows,
    coalesce(sum(cost) filter (where charge_type <> 'Tax'), 0) as billed_cost,
    coalesce(sum(cost) filter (where charge_type = 'Usage'), 0) as usage_cost,
    coalesce(sum(cost) filter (where charge_type = 'Purchase'), 0) as purchase_cost,
    coalesce(sum(cost) filter (where charge_type = 'Refund'), 0) as refund_cost,
    coalesce(sum(cost) filter (where charge_type not in ('Usage', 'Purchase', 'Refund', 'Tax')), 0)
        as other_cost,
    coalesce(sum(cost) filter (where charge_type = 'Tax'), 0) as tax,
    sum(cost) as total_cost, sum(cost_usd) as total_cost_usd,
    max(previous_invoice_id) as corrects_invoice_id
from typed where file = 'actual' group by all
