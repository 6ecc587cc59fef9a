-- key: source billing_month billing_currency customer_tenant_id customer_name pricing_model
-- key: meter_category
-- sums: rows cost cost_usd
select source, billing_month, billing_currency, customer_tenant_id, scope_name as customer_name,
    pricing_model, meter_category, 1 as rows, cost, cost_usd
from priced_in_scopes left join names_in_month using (source, billing_month, scope_type, scope_id)
where is_unpriced and scope_type = 'customer_tenant'
