-- key: scope_type scope_id source billing_month billing_currency
with coverable as (
    select distinct source, meter_category from priced
    where is_usage and pricing_model in ('Reservation', 'SavingsPlan')
),
kinds as (
    select *, pricing_model = 'OnDemand' as is_on_demand, pricing_model = 'Reservation' as is_reserved,
        pricing_model = 'SavingsPlan' as is_planned
    from priced_in_scopes semi join coverable using (source, meter_category)
    where is_usage and pricing_model in ('OnDemand', 'Reservation', 'SavingsPlan')
),
sums as (
    select scope_type, scope_id, source, billing_month, billing_currency,
        count(*) filter (where not is_on_demand and list_cost is not null) as priced,
        count(*) filter (where not is_on_demand and list_cost is null) as unpriced,
        zero_or_unknown(list_cost, not is_on_demand) as committed_list_cost,
        zero_or_unknown(list_cost, is_reserved) as reservation_list_cost,
        zero_or_unknown(list_cost, is_planned) as savings_plan_list_cost,
        zero_or_unknown(list_cost, is_on_demand) as on_demand_list_cost,
        coalesce(sum(cost) filter (where not is_on_demand and list_cost is null), 0)
            as unpriced_committed_cost,
        coalesce(sum(cost) filter (where is_on_demand and list_cost is null), 0)
            as unpriced_on_demand_cost,
        zero_or_unknown(list_cost_usd, not is_on_demand) as committed_list_cost_usd,
        zero_or_unknown(list_cost_usd, is_on_demand) as on_demand_list_cost_usd
    from kinds group by all
),
told as (
    select sums.*,
        case when unpriced = 0 and unpriced_on_demand_cost = 0 then 'available'
            when unpriced > 0 and priced = 0 then 'unknown' else 'partial' end
            as availability
    from sums join sources using (source)
    where sources.scope_type <> 'subscription'
    union all by name
    select sums.scope_type, scope_id, source, billing_month, billing_currency,
        'subscription_scope' as availability
    from sums join sources using (source)
    where sources.scope_type = 'subscription'
)
select told.* exclude (priced, unpriced), scope_name,
    100 * committed_list_cost / nullif(committed_list_cost + on_demand_list_cost, 0) as coverage_pct
from told left join names_in_month using (source, billing_month, scope_type, scope_id)
