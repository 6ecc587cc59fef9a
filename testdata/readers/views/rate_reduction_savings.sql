-- key: scope_type scope_id source billing_month billing_currency rate_type
with parts as (
    select scope_type, scope_id, source, billing_month, billing_currency,
        coalesce(own_rate_type, 'Negotiated') as rate_type,
        list_cost,
        case when own_rate_type is null and credit_applied then contracted_cost else cost end as led_to,
        list_cost_usd,
        case when own_rate_type is null and credit_applied then contracted_cost_usd
            else cost_usd end as led_to_usd,
        is_unpriced, is_unpriced_usd, is_usage, cost, cost_usd,
        charge_type like 'Unused%' as is_unused
    from priced_in_scopes
    union all
    select scope_type, scope_id, source, billing_month, billing_currency, 'PartnerEarnedCredit',
        case when list_cost is not null then contracted_cost end, cost,
        case when list_cost_usd is not null then contracted_cost_usd end, cost_usd,
        is_unpriced, is_unpriced_usd, is_usage, cost, cost_usd, false
    from priced_in_scopes
    where is_usage and own_rate_type is null and credit_applied
),
every as (
    select *
    from (select distinct scope_type, scope_id, source, billing_month, billing_currency
          from priced_in_scopes),
        (values ('Reservation'), ('SavingsPlan'), ('Spot'), ('PartnerEarnedCredit'), ('Negotiated'))
            as types(rate_type)
),
sums as (
    select every.*,
        count(*) filter (where is_unpriced) as unpriced,
        count(*) filter (where is_usage and not is_unpriced) as priced,
        count(*) filter (where is_unpriced_usd) as unpriced_in_usd,
        count(*) filter (where is_usage and not is_unpriced_usd) as priced_in_usd,
        coalesce(sum(list_cost), 0) as list_cost,
        coalesce(sum(led_to) filter (where list_cost is not null), 0) as cost,
        coalesce(sum(parts.cost) filter (where is_unused), 0) as unused_cost,
        coalesce(sum(parts.cost) filter (where is_unpriced), 0) as unpriced_cost,
        coalesce(sum(list_cost_usd), 0) as list_cost_usd,
        coalesce(sum(led_to_usd) filter (where list_cost_usd is not null), 0) as cost_usd,
        coalesce(sum(parts.cost_usd) filter (where is_unused), 0) as unused_cost_usd
    from every left join parts
        on every.scope_type = parts.scope_type and every.scope_id is not distinct from parts.scope_id
        and every.source = parts.source and every.billing_month = parts.billing_month
        and every.billing_currency = parts.billing_currency and every.rate_type = parts.rate_type
    group by all
),
known as (
    select sums.* replace (
            case when priced > 0 or unpriced = 0 then list_cost end as list_cost,
            case when priced > 0 or unpriced = 0 then cost end as cost,
            case when priced_in_usd > 0 or unpriced_in_usd = 0 then list_cost_usd end as list_cost_usd,
            case when priced_in_usd > 0 or unpriced_in_usd = 0 then cost_usd end as cost_usd
        ),
        case when unpriced = 0 then 'available' when priced > 0 then 'partial' else 'unknown' end
            as availability
    from sums join sources using (source)
    where sources.scope_type <> 'subscription'
),
told as (
    select scope_type, scope_id, source, billing_month, billing_currency, rate_type,
        list_cost, cost, list_cost - cost as gross_savings, unused_cost,
        case when list_cost is not null or unused_cost <> 0
            then coalesce(list_cost - cost, 0) - unused_cost end as savings,
        100 * (list_cost - cost - unused_cost) / nullif(list_cost, 0) as savings_pct,
        unpriced_cost, list_cost_usd, cost_usd, list_cost_usd - cost_usd as gross_savings_usd,
        unused_cost_usd,
        case when list_cost_usd is not null or unused_cost_usd <> 0
            then coalesce(list_cost_usd - cost_usd, 0) - unused_cost_usd end as savings_usd,
        availability
    from known
)
select every.*, scope_name, told.* exclude (scope_type, scope_id, source, billing_month,
        billing_currency, rate_type)
    replace (coalesce(availability, 'subscription_scope') as availability)
from every
left join told
    on every.scope_type = told.scope_type and every.scope_id is not distinct from told.scope_id
    and every.source = told.source and every.billing_month = told.billing_month
    and every.billing_currency = told.billing_currency and every.rate_type = told.rate_type
left join names_in_month names
    on every.scope_type = names.scope_type and every.scope_id = names.scope_id
    and every.source = names.source and every.billing_month = names.billing_month
