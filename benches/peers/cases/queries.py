"""Every view of sql/ on one month, beside DuckDB running the same text over the same files.

Sums are written to a CSV file whole by both. Of views with a row per row of cost the
result would mostly be text to write, so their decimals are summed and their other columns
counted, which makes both compute every column.

costlake is asked without its rollups, computes exact decimals and is timed as a whole
process; DuckDB computes in floating point where its decimals overflow, and is timed by
the query alone.
"""

import json
import pathlib
from collections.abc import Iterator

from peers import answers, delta, lakes, views
from peers.context import Context
from peers.engines import peer
from peers.measure import Failed, Run, warm
from peers.result import Ratio, Result
from peers.rounds import alternate

MONTH = "2026-07"
# Rows in each of the two cost files: 10 million in the lake.
ROWS = 5_000_000
ROWS_QUICK = 10_000


def run(context: Context) -> Iterator[Result]:
    with context.workspace("queries") as folder:
        lake = folder / "lake"
        lakes.build(context, lake, f"{MONTH}..{MONTH}", context.of(ROWS, ROWS_QUICK),
                    context.seed)
        warm([file for file in lake.rglob("*.parquet")])
        size = sum(delta.read(lake / table).size_bytes
                   for table in ("actual_cost", "amortized_cost"))
        for view in views.read(context.sql).values():
            result = one_view(context, lake, view)
            result.facts |= {"cost_rows": 2 * context.of(ROWS, ROWS_QUICK),
                             "lake_cost_bytes": size}
            yield result


def one_view(context: Context, lake: pathlib.Path, view: views.View) -> Result:
    folder = lake.parent
    query = consuming(context, lake, view)
    ours, theirs = folder / "costlake.csv", folder / "duckdb.csv"
    kept = folder / "rollups.csv"
    # DuckDB adds up rows, so costlake must, too; what rollups save stands beside the pair.
    raw = context.costlake.sql_plainly
    asked = {"costlake": lambda: context.costlake.sql(lake, query, *raw, output=ours)}
    if raw:
        asked["costlake with rollups"] = lambda: context.costlake.sql(lake, query, output=kept)
    result = Result(f"queries/{view.name}", context.seed, {}, facts={"query": query})
    # Exact first; what overflows is computed in floating point.
    refused = ""
    for numbers in ("decimal", "double"):
        job = {"task": "query", "lake": str(lake), "sql": str(context.sql), "view": view.name,
               "query": query, "target": str(theirs), "threads": context.threads,
               "numbers": numbers}
        try:
            ask_duckdb(job, folder)
        except (peer.Refused, Failed) as refusal:
            refused = " ".join(str(refusal).split())
            continue
        asked["duckdb"] = lambda: ask_duckdb(job, folder)
        result.facts["duckdb_numbers"] = numbers
        result.notes.append(f"DuckDB computes with {numbers.upper()}")
        break
    else:
        result.notes.append(f"DuckDB cannot run this text: {refused[:200]}")
    result.figures = alternate(asked, context.rounds)
    result.facts["rows"] = answers.rows_in(ours)
    if raw:
        result.ratios = [Ratio.between(result.figures, "costlake with rollups", is_peer=False)]
        different = answers.differing(ours, kept)
        if different:
            result.notes.append(f"ANSWERS DIFFER with rollups: {different}")
    if "duckdb" in asked:
        result.ratios.insert(0, Ratio.between(result.figures, "duckdb"))
        different = answers.differing(ours, theirs)
        if different:
            result.notes.append(f"ANSWERS DIFFER: {different}")
    return result


def ask_duckdb(job: dict, folder: pathlib.Path) -> Run:
    pathlib.Path(job["target"]).unlink(missing_ok=True)
    return peer.ask("duckdb", job, folder).run


def consuming(context: Context, lake: pathlib.Path, view: views.View) -> str:
    """A query that needs every column of every row of the view."""
    if not view.is_row_level:
        return f"select * from {view.name}"
    names = json.loads(context.costlake.sql(
        lake, f"select column_name as name from catalog_columns where table_name = '{view.name}'"
        " order by ordinal_position", form="json").output)
    columns = [f'"{row["name"]}"' for row in names]
    # By a row: the catalog is not asked, because it tells types of names, not of values.
    kinds = json.loads(context.costlake.sql(
        lake, "select " + ", ".join(f"arrow_typeof({column}) as c{number}"
                                    for number, column in enumerate(columns))
        + f" from {view.name} limit 1", form="json").output)[0]
    parts = [f"sum({column}) as {column}" if kind.startswith("Decimal")
             else f"count({column}) as {column}"
             for column, kind in zip(columns, kinds.values(), strict=True)]
    return f"select count(*) as rows, {', '.join(parts)} from {view.name}"
