"""Recomputes the views on commitments and rates with DuckDB from Azure's own files.

    recompute.py COSTLAKE LAKE EXPORTS SOURCE

The SQL below is written from the rules of sql/README.md, not translated from sql/:
it starts from the CSV files, in floating point, and compares with the lake key by
key, amounts to 1e-9 relative. Exits 1 with what differs.
"""

import json
import math
import pathlib
import subprocess
import sys

import duckdb

from price_the_same import newest_runs

TOLERANCE = 1e-9
DIFFERENCES_SHOWN = 10
COLUMNS = """invoiceid billingaccountid billingaccountname billingprofileid customertenantid
customername subscriptionid date chargetype publishertype meterid metercategory productid
billingcurrency pricingcurrency costinbillingcurrency paygcostinbillingcurrency paygprice unitprice
quantity exchangeratepricingtobilling pricingmodel reservationid benefitid productorderid
productordername frequency term partnerearnedcreditrate partnerearnedcreditapplied""".split()

# Scopes: what a row belongs to. NULL stands for the rows that belong to none.
UNPIVOT = """
    select 'billing_account' as scope_type, billingaccountid as scope_id, * from {0}
    union all select 'billing_profile', billingprofileid, * from {0}
    union all select 'customer_tenant', customertenantid, * from {0}
    union all select 'subscription', subscriptionid, * from {0}"""

PREPARED = f"""
create table typed as
select
    file, billing_month,
    nullif(invoiceid, '') as invoiceid,
    nullif(billingaccountid, '') as billingaccountid,
    nullif(lower(billingprofileid), '') as billingprofileid,
    nullif(customertenantid, '') as customertenantid,
    case when subscriptionid in ('', '00000000-0000-0000-0000-000000000000') then null
        else subscriptionid end as subscriptionid,
    strptime(date, '%m/%d/%Y')::date as date,
    chargetype, publishertype, nullif(lower(meterid), '') as meterid, metercategory,
    nullif(lower(productid), '') as productid, billingcurrency as currency, pricingcurrency,
    costinbillingcurrency::double as cost,
    nullif(paygcostinbillingcurrency, '')::double as paygcost,
    nullif(nullif(paygprice, '')::double, 0) as paygprice,
    nullif(unitprice, '')::double as unitprice, nullif(quantity, '')::double as quantity,
    nullif(exchangeratepricingtobilling, '')::double as rate,
    replace(pricingmodel, ' ', '') as model,
    lower(nullif(reservationid, '')) as reservation, lower(nullif(benefitid, '')) as benefit,
    lower(nullif(productorderid, '')) as productorder, productordername, frequency,
    nullif(term, '')::int as term, nullif(partnerearnedcreditrate, '')::double as creditrate,
    lower(partnerearnedcreditapplied) = 'true' as credited
from raw;

create table rates as
select billing_month, meterid, productid, pricingcurrency, min(paygprice) as rate_of_meter
from typed
where file = 'amortized' and chargetype = 'Usage' and model = 'OnDemand' and paygprice > 0
group by all;

create table priced as
select *,
    case when list is null then null
        when unitprice is not null and not (committed and unitprice = 0)
        then unitprice * quantity * rate else list end as contracted
from (
    select t.*,
        model in ('Reservation', 'SavingsPlan') as committed,
        chargetype = 'Usage' and lower(publishertype) <> 'marketplace' as has_list,
        case
            when chargetype <> 'Usage' or lower(publishertype) = 'marketplace' then null
            when paygprice is not null and paygcost is not null then paygcost
            when paygprice is not null then paygprice * quantity * rate
            else rate_of_meter * quantity * rate
        end as list
    from typed t left join rates using (billing_month, meterid, productid, pricingcurrency)
    where file = 'amortized'
);

create table committed as
select *,
    regexp_extract(benefit, 'orders/([^/]*)/', 1) as order_of_benefit,
    case when benefit like '%savingsplanorders%' then 'SavingsPlan' else 'Reservation' end as kind,
    coalesce(nullif(regexp_extract(benefit, 'orders/([^/]*)/', 1), ''), productorder) as order_id,
    nullif(coalesce(nullif(regexp_extract(benefit, '/([^/]*)$', 1), ''), reservation),
        coalesce(nullif(regexp_extract(benefit, 'orders/([^/]*)/', 1), ''), productorder)) as id
from typed
where benefit is not null or reservation is not null;

create table priced_scopes as {UNPIVOT.format('priced')};
create table typed_scopes as {UNPIVOT.format('typed')};
"""

# View → the columns that are its key, the amounts compared, and the calculation.
VIEWS = {
    "rate_reduction_savings": (
        "scope_type, scope_id, billing_month, billing_currency, rate_type",
        "gross_savings, unused_cost, savings",
        """
        with parts as (
            select scope_type, scope_id, billing_month, currency,
                case when model = 'Reservation' or chargetype = 'UnusedReservation' then 'Reservation'
                    when model = 'SavingsPlan' or chargetype = 'UnusedSavingsPlan' then 'SavingsPlan'
                    when model = 'Spot' then 'Spot' else 'Negotiated' end as rate_type,
                case when model in ('Reservation', 'SavingsPlan', 'Spot') or not credited
                    then list - cost else list - contracted end as gross,
                case when chargetype like 'Unused%' then cost end as unused,
                has_list and list is null as unpriced, list is not null as is_priced
            from priced_scopes
            union all
            select scope_type, scope_id, billing_month, currency, 'PartnerEarnedCredit',
                contracted - cost, null, list is null, list is not null
            from priced_scopes
            where has_list and credited and coalesce(model, '') not in ('Reservation', 'SavingsPlan', 'Spot')
        ),
        every as (
            select distinct scope_type, scope_id, billing_month, currency, rate_type
            from (select distinct scope_type, scope_id, billing_month, currency from priced_scopes),
                (values ('Reservation'), ('SavingsPlan'), ('Spot'), ('PartnerEarnedCredit'), ('Negotiated')) as t(rate_type)
        ),
        sums as (
            select scope_type, scope_id, billing_month, currency, rate_type,
                sum(gross) as gross, coalesce(sum(unused), 0) as unused,
                count(*) filter (where unpriced) as unpriced, count(*) filter (where is_priced) as priced
            from parts group by all
        )
        select every.scope_type, every.scope_id, every.billing_month, every.currency, every.rate_type,
            case when coalesce(unpriced, 0) > 0 and priced = 0 then null else coalesce(gross, 0) end as gross,
            coalesce(unused, 0) as unused,
            case when coalesce(unpriced, 0) > 0 and priced = 0 and unused = 0 then null
                else coalesce(gross, 0) - coalesce(unused, 0) end as savings
        from every left join sums
            on every.scope_type = sums.scope_type and every.scope_id is not distinct from sums.scope_id
            and every.billing_month = sums.billing_month and every.currency = sums.currency
            and every.rate_type = sums.rate_type
        """,
    ),
    "commitment_utilization": (
        "date, benefit_id, order_id, billing_currency",
        "used_cost, unused_cost, utilization_pct",
        """
        select date, id, order_id, currency, used, unused, 100 * used / nullif(used + unused, 0)
        from (
            select date, coalesce(id, order_id) as id, order_id, currency,
                coalesce(sum(cost) filter (where chargetype = 'Usage'), 0) as used,
                coalesce(sum(cost) filter (where chargetype like 'Unused%'), 0) as unused
            from committed where file = 'amortized' group by all
        )
        """,
    ),
    "commitment_utilization_monthly": (
        "billing_month, benefit_id, billing_currency",
        "days, used_cost, unused_cost",
        """
        select billing_month, id, currency, count(distinct date),
            coalesce(sum(cost) filter (where chargetype = 'Usage'), 0),
            coalesce(sum(cost) filter (where chargetype like 'Unused%'), 0)
        from committed where file = 'amortized' group by all
        """,
    ),
    "unused_commitments": (
        "billing_month, benefit_id, billing_currency",
        "unused_cost",
        """
        select billing_month, id, currency, sum(cost)
        from committed where file = 'amortized' and chargetype like 'Unused%'
        group by all having sum(cost) > 0
        """,
    ),
    "commitments": (
        "benefit_id, order_id, billing_currency",
        "purchased_amount, used_cost, unused_cost, term_months",
        """
        with used as (
            select order_id, id, currency,
                sum(cost) filter (where chargetype = 'Usage') as used,
                sum(cost) filter (where chargetype like 'Unused%') as unused,
                sum(cost) as amortized, max(term) as term
            from committed where file = 'amortized' group by all
        ),
        own as (
            select order_id, id, currency, sum(cost) as amount, max(term) as term
            from committed
            where file = 'actual' and chargetype in ('Purchase', 'Refund') and id is not null
            group by all
        ),
        whole as (
            select order_id, currency, sum(cost) as amount, max(term) as term
            from committed
            where file = 'actual' and chargetype in ('Purchase', 'Refund') and id is null
            group by all
        ),
        members as (
            select order_id, id, currency from used union select order_id, id, currency from own
        ),
        weighed as (
            select m.*, u.used, u.unused, o.amount as own_amount, w.amount as order_amount,
                coalesce(u.term, o.term, w.term) as term,
                coalesce(u.amortized, 0) as weight,
                sum(coalesce(u.amortized, 0)) over (partition by m.order_id, m.currency) as total,
                count(*) over (partition by m.order_id, m.currency) as members
            from members m
            left join used u on m.id = u.id and m.currency = u.currency
            left join own o on m.id = o.id and m.currency = o.currency
            left join whole w on m.order_id = w.order_id and m.currency = w.currency
        )
        select id, order_id, currency,
            case when own_amount is null and order_amount is null then null
                else coalesce(own_amount, 0) + coalesce(order_amount
                    * case when total <> 0 then weight / total else 1.0 / members end, 0) end,
            used, unused, term
        from weighed
        union all
        select order_id, order_id, currency, amount, null, null, term
        from whole where not exists (
            select 1 from members m where m.order_id = whole.order_id and m.currency = whole.currency)
        """,
    ),
    "reallocated_cost": (
        "scope_type, scope_id, billing_month, billing_currency",
        "actual_cost, amortized_cost",
        """
        select scope_type, scope_id, billing_month, currency,
            coalesce(sum(cost) filter (where file = 'actual'), 0),
            coalesce(sum(cost) filter (where file = 'amortized'), 0)
        from typed_scopes group by all
        """,
    ),
    "commitment_coverage": (
        "scope_type, scope_id, billing_month, billing_currency",
        "committed_list_cost, on_demand_list_cost",
        """
        select scope_type, scope_id, billing_month, currency,
            case when count(*) filter (where committed and list is null) > 0
                    and count(*) filter (where committed and list is not null) = 0 then null
                else coalesce(sum(list) filter (where committed), 0) end,
            coalesce(sum(list) filter (where not committed), 0)
        from priced_scopes
        where has_list and model in ('OnDemand', 'Reservation', 'SavingsPlan')
            and metercategory in (select metercategory from priced where committed and chargetype = 'Usage')
        group by all
        """,
    ),
    "partner_earned_credit": (
        "billing_month, billing_currency, billing_profile_id, customer_tenant_id, subscription_id, status",
        "rows, earned_credit, missed_credit",
        """
        with eligible as (
            select *, max(creditrate) filter (where credited) over (
                partition by billing_month, customertenantid, subscriptionid, currency) as peers
            from priced where has_list and model = 'OnDemand' and productordername = 'Azure plan'
        ),
        judged as (
            select *, case when credited then 'earned' when creditrate > 0 then 'missed_rate'
                when peers > 0 then 'missed_peers' end as status
            from eligible
        )
        select billing_month, currency, billingprofileid, customertenantid, subscriptionid, status,
            count(*), sum(contracted - cost) filter (where status = 'earned'),
            sum(cost * case status when 'missed_rate' then creditrate else peers end)
                filter (where status <> 'earned')
        from judged where status is not null group by all
        """,
    ),
    "invoice_totals": (
        "invoice_id, billing_profile_id, billing_month, billing_currency",
        "rows, usage_cost, purchase_cost, tax, total_cost",
        """
        select invoiceid, billingprofileid, billing_month, currency, count(*),
            coalesce(sum(cost) filter (where chargetype = 'Usage'), 0),
            coalesce(sum(cost) filter (where chargetype = 'Purchase'), 0),
            coalesce(sum(cost) filter (where chargetype = 'Tax'), 0), sum(cost)
        from typed where file = 'actual' group by all
        """,
    ),
    "scopes": (
        "scope_type, scope_id",
        "months, rows",
        """
        select scope_type, scope_id, count(distinct billing_month), count(*)
        from typed_scopes where scope_id is not null group by all
        """,
    ),
}
# At subscription scope these views have no rows, or an amount that is NULL with the
# reason in `availability`.
NOT_AT_SUBSCRIPTIONS = {
    "rate_reduction_savings": "savings",
    "commitment_coverage": "committed_list_cost",
    "commitments": "used_cost",
    "commitment_utilization": None,
    "commitment_utilization_monthly": None,
    "unused_commitments": None,
    "partner_earned_credit": None,
}


def load(exports: pathlib.Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    selects = []
    for file in ("actual", "amortized"):
        for month, files in newest_runs(exports / file).items():
            names = [str(name) for name in files]
            relation = f"read_csv({names!r}, header = true, all_varchar = true, union_by_name = true)"
            found = {
                row[0].lower().lstrip("\ufeff")
                for row in connection.execute(f"describe select * from {relation}").fetchall()
            }
            cells = ", ".join(
                f"coalesce({name}, '') as {name}" if name in found else f"'' as {name}" for name in COLUMNS
            )
            selects.append(f"select '{file}' as file, '{month}' as billing_month, {cells} from {relation}")
    connection.execute(f"create table raw as {' union all '.join(selects)}")
    connection.execute(PREPARED)
    return connection


def of_lake(costlake, lake, source, view, key, amounts):
    columns = ", ".join(f"cast({name} as varchar) as {name}" for name in key.split(", "))
    sql = f"select {columns}, {amounts} from {view} where source = '{source}'"
    command = [costlake, "--lake", lake, "sql", "--format", "ndjson", "-c", sql]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [list(json.loads(line).values()) for line in output.splitlines()]


def absent_with_reason(costlake, lake, source, view) -> bool:
    amount = NOT_AT_SUBSCRIPTIONS[view]
    if amount is None:
        told = []
        rows = len(of_lake(costlake, lake, source, view, "source", "1 as one"))
    else:
        told = of_lake(costlake, lake, source, view, "availability", amount)
        rows = sum(row != ["subscription_scope", None] for row in told)
    print(f"{view}: {len(told)} rows with the reason, {rows} without")
    return rows == 0 and bool(told) == (amount is not None)


def close(left, right) -> bool:
    if left is None or right is None:
        return left is None and right is None
    return math.isclose(float(left), float(right), rel_tol=TOLERANCE, abs_tol=1e-12)


def compare(view, width, ours, theirs) -> bool:
    table = lambda rows: {
        tuple(None if cell is None else str(cell) for cell in row[:width]): row[width:] for row in rows
    }
    ours, theirs = table(ours), table(theirs)
    if view == "reallocated_cost":
        # A scope of which nothing is in the files may still have given something away.
        ours = {key: row for key, row in ours.items() if key in theirs or any(map(float, row))}
    differing = [
        key for key in ours.keys() | theirs.keys()
        if key not in ours or key not in theirs
        or not all(close(left, right) for left, right in zip(ours[key], theirs[key], strict=True))
    ]
    for key in differing[:DIFFERENCES_SHOWN]:
        print(f"{view} {key}: costlake {ours.get(key)}, recomputed {theirs.get(key)}")
    verdict = f"{len(differing)} DIFFERENT" if differing else "the same as costlake"
    print(f"{view}: {len(theirs)} rows recomputed, {verdict}")
    return not differing


def main() -> int:
    costlake, lake, exports, source = sys.argv[1:]
    connection = load(pathlib.Path(exports))
    where = f"where source = '{source}'"
    scope = of_lake(costlake, lake, source, "source_scopes", "scope_type", "1 as one")[0][0]
    good = True
    for view, (key, amounts, sql) in VIEWS.items():
        if scope == "subscription" and view in NOT_AT_SUBSCRIPTIONS:
            good = absent_with_reason(costlake, lake, source, view) and good
            continue
        ours = of_lake(costlake, lake, source, view, key, amounts)
        width = len(key.split(", "))
        good = compare(view, width, ours, connection.execute(sql).fetchall()) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
