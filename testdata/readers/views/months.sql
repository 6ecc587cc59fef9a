-- key: source dataset billing_month
with counted as (
    select source, file, billing_month, count(*) as rows,
        count(*) filter (where strftime(date, '%Y-%m') <> billing_month) as rows_outside_month
    from typed group by all
    union all
    select source, file, billing_month, count(*), 0 from price_sheet group by all
    union all
    select source, file, billing_month, count(*),
        count(*) filter (where strftime(day_of(usagedate), '%Y-%m') <> billing_month)
    from reservation_details group by all
    union all
    select source, file, billing_month, count(*),
        count(*) filter (where strftime(day_of(eventdate), '%Y-%m') <> billing_month)
    from reservation_transactions group by all
    union all
    select source, file, billing_month, count(*), 0 from reservation_recommendations group by all
),
begun as (
    select source, file, min(billing_month) over (partition by source) as first_month
    from (select distinct source, billing_month from runs where file in ('actual', 'amortized'))
        cross join (values ('actual'), ('amortized')) as files(file)
    union
    select source, file, min(billing_month) from runs where file not in ('actual', 'amortized')
    group by all
),
every as (
    select source, file, strftime(unnest(generate_series(
        strptime(first_month, '%Y-%m'), getvariable('as_of')::timestamp, interval 1 month
    )), '%Y-%m') as billing_month
    from begun
)
select source,
    case when file in ('actual', 'amortized') then file || '_cost' else replace(file, '-', '_') end
        as dataset,
    billing_month,
    case when run_id is null then 'missing' else 'loaded' end as status,
    case when getvariable('as_of') < ends then 'open' else 'closed' end as period,
    submitted >= ends as is_final,
    run_id,
    case when run_id is not null then coalesce(rows, 0) end as rows,
    case when run_id is not null then 0 end as rejected_rows,
    case when run_id is not null then coalesce(rows_outside_month, 0) end as rows_outside_month,
    replace(strftime(submitted, '%Y-%m-%dT%H:%M:%S.%gZ'), '.000Z', 'Z') as submitted_at
from (select *, strptime(billing_month, '%Y-%m') + interval '1 month 5 days' as ends from every)
left join runs using (source, file, billing_month)
left join counted using (source, file, billing_month)
