-- question: What of each commitment was used on a day, and what was idle, whoever used it?
-- grain: source, billing_month, date, kind, order_id, benefit_id, billing_currency
-- sources: commitment_days
-- rollup: source, billing_month
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
--   used_cost_usd: used_cost, USD
--   unused_cost_usd: unused_cost, USD
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
from commitment_days
where part in ('used', 'unused')
group by
    source,
    billing_month,
    date,
    kind,
    coalesce(commitment_id, order_id),
    order_id,
    billing_currency
