-- key: source billing_month date billing_account_id billing_profile_id customer_tenant_id
-- key: subscription_id resource_id meter_id charge_type pricing_model is_commitment frequency
-- key: benefit_id billing_currency pricing_currency partner_earned_credit_applied list_cost_basis
-- sums: count(*) quantity payg_price unit_price effective_price exchange_rate list_rate cost
-- sums: cost_usd list_cost list_cost_usd contracted_cost contracted_cost_usd
-- sums: partner_earned_credit_rate cost_in_pricing_currency
select * exclude (credit_rate, credit_applied),
    credit_rate as partner_earned_credit_rate,
    credit_applied as partner_earned_credit_applied
from priced
