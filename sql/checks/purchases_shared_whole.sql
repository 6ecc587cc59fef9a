-- question: Do the purchases of commitments add up to the purchase and refund rows they come from?
-- sources: commitment_rows, commitment_totals
with paid as (
    select
        source,
        coalesce(billing_currency, '') as currency_key,
        sum(cost) as cost
    from commitment_rows
    where part in ('purchase', 'refund')
    group by source, coalesce(billing_currency, '')
),

shared as (
    select
        source,
        coalesce(billing_currency, '') as currency_key,
        sum(purchased_amount) as cost
    from commitment_totals
    group by source, coalesce(billing_currency, '')
)

select
    paid.source,
    paid.currency_key,
    paid.cost as paid_cost,
    shared.cost as shared_cost
from paid
left join shared on paid.source = shared.source and paid.currency_key = shared.currency_key
where paid.cost is distinct from shared.cost
