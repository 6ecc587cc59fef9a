-- question: Do the rate types of every scope add up to its savings?
-- sources: savings, rate_reduction_savings
with by_rate_type as (
    select
        scope_type,
        coalesce(scope_id, '') as scope_key,
        source,
        billing_month,
        coalesce(billing_currency, '') as currency_key,
        coalesce(sum(savings), 0) as savings,
        coalesce(sum(savings_usd), 0) as savings_usd
    from rate_reduction_savings
    group by
        scope_type, coalesce(scope_id, ''), source, billing_month, coalesce(billing_currency, '')
),

whole as (
    select
        scope_type,
        coalesce(scope_id, '') as scope_key,
        source,
        billing_month,
        coalesce(billing_currency, '') as currency_key,
        coalesce(savings, 0) as savings,
        coalesce(savings_usd, 0) as savings_usd
    from savings
)

select
    whole.scope_type,
    whole.scope_key,
    whole.source,
    whole.billing_month,
    whole.currency_key,
    whole.savings,
    by_rate_type.savings as savings_by_rate_type,
    whole.savings_usd,
    by_rate_type.savings_usd as savings_usd_by_rate_type
from whole
full join by_rate_type
    on
        whole.scope_type = by_rate_type.scope_type
        and whole.scope_key = by_rate_type.scope_key
        and whole.source = by_rate_type.source
        and whole.billing_month = by_rate_type.billing_month
        and whole.currency_key = by_rate_type.currency_key
where
    (whole.savings is distinct from by_rate_type.savings)
    or (whole.savings_usd is distinct from by_rate_type.savings_usd)
