-- key: subscription_id billing_profile_id billing_month source
select subscription_id, billing_profile_id, billing_month, source, scope_type, source = kept_source as is_kept,
    kept_source, sources, rows, cost_usd
from holdings where sources > 1
