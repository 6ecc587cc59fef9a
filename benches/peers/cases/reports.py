"""The standard reports over three years: from rollups against from raw rows.

Rollups are sums kept at ingest; the same binary answers without them under
`--no-rollups`, so both come from one lake. The answers must be the same bytes.
"""

from collections.abc import Iterator

from peers import answers, lakes
from peers.context import Context
from peers.measure import warm
from peers.result import Ratio, Result
from peers.rounds import alternate

MONTHS = "2023-08..2026-07"
MONTHS_QUICK = "2026-05..2026-07"
ROWS = 100_000
ROWS_QUICK = 3_000

REPORTS = {
    "savings": "select * from savings",
    "rate_reduction_savings": "select * from rate_reduction_savings",
    "list_vs_cost": """select source, billing_month, customer_tenant_id, billing_currency,
        sum(list_cost) as list_cost, sum(cost) as cost, sum(actual_cost) as actual_cost
        from list_vs_cost group by 1, 2, 3, 4""",
    "commitment_utilization_monthly": "select * from commitment_utilization_monthly",
}


def run(context: Context) -> Iterator[Result]:
    with context.workspace("reports") as folder:
        lake = folder / "lake"
        months = MONTHS_QUICK if context.quick else MONTHS
        rows = context.of(ROWS, ROWS_QUICK)
        lakes.build(context, lake, months, rows, context.seed)
        warm([file for file in lake.rglob("*.parquet")])
        kept, raw = folder / "rollups.csv", folder / "raw.csv"
        for name, query in REPORTS.items():
            query = " ".join(query.split())
            if context.costlake.sql_plainly:
                asked = {
                    "rollups": lambda: context.costlake.sql(lake, query, output=kept),
                    "raw rows": lambda: context.costlake.sql(lake, query,
                                                             *context.costlake.sql_plainly,
                                                             output=raw),
                }
            else:
                asked = {"raw rows": lambda: context.costlake.sql(lake, query, output=raw)}
            figures = alternate(asked, context.rounds)
            result = Result(f"reports/{name}", context.seed, figures)
            result.facts = {"months": months, "rows_per_month_and_file": rows,
                            "rows": answers.rows_in(raw)}
            if "rollups" in asked:
                result.ratios = [Ratio.between(figures, "raw rows", "rollups", is_peer=False)]
                if not answers.same_lines(kept, raw):
                    result.notes.append("ANSWERS DIFFER between rollups and raw rows")
            else:
                result.notes.append("this costlake has no sql --no-rollups: nothing to compare")
            yield result
