-- question: Do actual and amortized agree on everything that no commitment touches?
-- sources: cost_rows, current_runs
with both_loaded as (
    select source, billing_month
    from current_runs
    where dataset in ('actual_cost', 'amortized_cost')
    group by source, billing_month
    having
        count(distinct dataset) = 2
        -- Older versions have no benefit id: there a savings plan's purchase
        -- cannot be told from any other.
        and min(data_version) >= '2021-10-01'
),

untouched as (
    select
        dataset,
        source,
        billing_month,
        billing_currency,
        cost
    from cost_rows
    where
        not is_commitment
        and reservation_id is null
        and benefit_id is null
        -- Azure need not write taxes, roundings and credits into both files.
        and charge_type in ('Usage', 'Purchase', 'Refund')
)

select
    untouched.source,
    untouched.billing_month,
    untouched.billing_currency,
    count(*) filter (where dataset = 'actual_cost') as actual_rows,
    count(*) filter (where dataset = 'amortized_cost') as amortized_rows,
    coalesce(sum(cost) filter (where dataset = 'actual_cost'), 0) as actual_cost,
    coalesce(sum(cost) filter (where dataset = 'amortized_cost'), 0) as amortized_cost
from untouched
inner join both_loaded
    on untouched.source = both_loaded.source and untouched.billing_month = both_loaded.billing_month
group by untouched.source, untouched.billing_month, untouched.billing_currency
having
    count(*) filter (where dataset = 'actual_cost')
    <> count(*) filter (where dataset = 'amortized_cost')
    -- The files agree to rounding.
    or abs(
        coalesce(sum(cost) filter (where dataset = 'actual_cost'), 0)
        - coalesce(sum(cost) filter (where dataset = 'amortized_cost'), 0)
    ) > 0.000001
