"""DuckDB and Polars open the lake and must agree with costlake, to the last decimal.

    count_the_same.py COSTLAKE LAKE

Delta's log is read by the deltalake package (DuckDB's own Delta extension has to
be downloaded at run time); the Parquet files by each engine's own reader.
Exits 1 with the differing keys.
"""

import json
import subprocess
import sys
from decimal import Decimal

import duckdb
import polars as pl
from deltalake import DeltaTable

KEYS = ("source", "billing_month", "billing_currency")
SUMS = ("cost_in_billing_currency", "payg_cost_in_billing_currency", "cost_in_usd")


def costlake_totals(costlake: str, lake: str, table: str) -> dict:
    sums = ", ".join(f"cast(sum({column}) as varchar) as {column}" for column in SUMS)
    sql = f"select {', '.join(KEYS)}, count(*) as n, {sums} from {table} group by {', '.join(KEYS)}"
    output = subprocess.run(
        [costlake, "--lake", lake, "sql", "--format", "ndjson", "-c", sql],
        check=True, capture_output=True, text=True,
    ).stdout
    return totals(json.loads(line) for line in output.splitlines())


def duckdb_totals(delta: DeltaTable) -> dict:
    sums = ", ".join(f"sum({column}) as {column}" for column in SUMS)
    relation = duckdb.sql(
        f"select {', '.join(KEYS)}, count(*) as n, {sums} "
        f"from read_parquet({delta.file_uris()!r}, hive_partitioning = true) "
        f"group by {', '.join(KEYS)}"
    )
    names = relation.columns
    return totals(dict(zip(names, row)) for row in relation.fetchall())


def polars_totals(path: str) -> dict:
    frame = (
        pl.scan_delta(path)
        .group_by(KEYS)
        .agg(pl.len().alias("n"), *(pl.col(column).sum() for column in SUMS))
        .collect()
    )
    return totals(frame.iter_rows(named=True))


def totals(rows) -> dict:
    def number(value):
        return None if value is None else Decimal(str(value)).normalize()

    return {
        tuple(str(row[key]) for key in KEYS): (int(row["n"]), *(number(row[c]) for c in SUMS))
        for row in rows
    }


def main() -> int:
    costlake, lake = sys.argv[1:]
    failed = False
    for table in ("actual_cost", "amortized_cost"):
        path = f"{lake}/{table}"
        ours = costlake_totals(costlake, lake, table)
        others = {"duckdb": duckdb_totals(DeltaTable(path)), "polars": polars_totals(path)}
        if not ours:
            print(f"{table}: costlake finds no rows")
            failed = True
        for name, theirs in others.items():
            differing = [key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)]
            for key in differing:
                print(f"{table} {key}: costlake {ours.get(key)}, {name} {theirs.get(key)}")
            failed = failed or bool(differing)
            rows = sum(row[0] for row in theirs.values())
            print(f"{table}: {name} counts {rows} rows in {len(theirs)} groups, "
                  f"{'DIFFERENT' if differing else 'the same as costlake'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
