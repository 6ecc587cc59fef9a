-- question: Do used and unused cost of the commitments add up to what is amortized?
-- sources: cost_rows, commitment_utilization, month_scopes
with amortized as (
    select
        cost_rows.source,
        cost_rows.billing_month,
        coalesce(billing_currency, '') as currency_key,
        sum(cost) as cost
    from cost_rows
    left join month_scopes
        on
            cost_rows.source = month_scopes.source
            and cost_rows.billing_month = month_scopes.billing_month
    where
        dataset = 'amortized_cost'
        and charge_type in ('Usage', 'UnusedReservation', 'UnusedSavingsPlan')
        and (is_commitment or benefit_id is not null or reservation_id is not null)
        and coalesce(month_scopes.scope_type, '') <> 'subscription'
    group by cost_rows.source, cost_rows.billing_month, coalesce(billing_currency, '')
),

utilized as (
    select
        source,
        billing_month,
        coalesce(billing_currency, '') as currency_key,
        sum(used_cost + unused_cost) as cost
    from commitment_utilization
    group by source, billing_month, coalesce(billing_currency, '')
)

select
    amortized.source,
    amortized.billing_month,
    amortized.currency_key,
    amortized.cost as amortized_cost,
    utilized.cost as used_and_unused_cost
from amortized
full join utilized
    on
        amortized.source = utilized.source
        and amortized.billing_month = utilized.billing_month
        and amortized.currency_key = utilized.currency_key
where amortized.cost is distinct from utilized.cost
