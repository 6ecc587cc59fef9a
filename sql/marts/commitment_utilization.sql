-- question: How much of each reservation and savings plan was used, day by day?
-- grain: source, order_id, benefit_id, date, billing_currency
-- sources: commitment_rows
-- columns:
--   source: bill connect
--   billing_month: month, YYYY-MM
--   date: UTC day
--   kind: Reservation or SavingsPlan
--   benefit_id: reservation or savings plan, lower-cased; the order where the rows name no more
--   order_id: order, lower-cased
--   name: its name that day
--   billing_currency: currency of the amounts; two are never added
--   used_cost: amortized cost of what was used, billing currency
--   unused_cost: amortized cost of what was idle, billing currency
--   utilization_pct: 100 * used_cost / (used_cost + unused_cost); NULL where both are 0
--   used_cost_usd: used_cost, USD
--   unused_cost_usd: unused_cost, USD
with days as (
    select
        source,
        billing_month,
        date,
        kind,
        coalesce(commitment_id, order_id) as benefit_id,
        order_id,
        max(benefit_name) as name,
        billing_currency,
        coalesce(sum(cost) filter (where part = 'used'), 0) as used_cost,
        coalesce(sum(cost) filter (where part = 'unused'), 0) as unused_cost,
        coalesce(sum(cost_usd) filter (where part = 'used'), 0) as used_cost_usd,
        coalesce(sum(cost_usd) filter (where part = 'unused'), 0) as unused_cost_usd
    from commitment_rows
    where part in ('used', 'unused')
    group by
        source,
        billing_month,
        date,
        kind,
        coalesce(commitment_id, order_id),
        order_id,
        billing_currency
)

select
    source,
    billing_month,
    date,
    kind,
    benefit_id,
    order_id,
    name,
    billing_currency,
    used_cost,
    unused_cost,
    cast(100 * used_cost / nullif(used_cost + unused_cost, 0) as double) as utilization_pct,
    used_cost_usd,
    unused_cost_usd
from days
