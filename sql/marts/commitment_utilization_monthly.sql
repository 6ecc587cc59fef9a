-- question: How much of each reservation and savings plan was used, month by month?
-- grain: source, order_id, benefit_id, billing_month, billing_currency
-- sources: commitment_utilization
-- columns:
--   source: bill connect
--   billing_month: month, YYYY-MM
--   kind: Reservation or SavingsPlan
--   benefit_id: reservation or savings plan, lower-cased
--   order_id: order, lower-cased
--   name: its name
--   billing_currency: currency of the amounts; two are never added
--   days: days of the month it is seen
--   used_cost: amortized cost of what was used, billing currency
--   unused_cost: amortized cost of what was idle, billing currency
--   utilization_pct: 100 * used_cost / (used_cost + unused_cost); NULL where both are 0
--   used_cost_usd: used_cost, USD
--   unused_cost_usd: unused_cost, USD
with months as (
    select
        source,
        billing_month,
        kind,
        benefit_id,
        order_id,
        max(name) as name,
        billing_currency,
        count(*) as days,
        sum(used_cost) as used_cost,
        sum(unused_cost) as unused_cost,
        sum(used_cost_usd) as used_cost_usd,
        sum(unused_cost_usd) as unused_cost_usd
    from commitment_utilization
    group by source, billing_month, kind, benefit_id, order_id, billing_currency
)

select
    source,
    billing_month,
    kind,
    benefit_id,
    order_id,
    name,
    billing_currency,
    days,
    used_cost,
    unused_cost,
    cast(100 * used_cost / nullif(used_cost + unused_cost, 0) as double) as utilization_pct,
    used_cost_usd,
    unused_cost_usd
from months
