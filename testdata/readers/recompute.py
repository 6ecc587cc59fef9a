"""Recomputes the views with DuckDB from Azure's own files.

    recompute.py --as-of DATE [--config FILE] [--view NAME]... COSTLAKE LAKE SOURCE=EXPORTS...

LAKE must hold exactly these sources, each with all months below EXPORTS; where a month
has several runs each must have been loaded, in the order of their submission. The SQL
below views/ is written from what sql/README.md and the headers of sql/ promise, not
translated from sql/: it starts from the CSV files, in floating point. Answers are
compared key by key, numbers to 1e-9 relative, all else exactly. Exits 1 with what
differs.
"""

import argparse
import collections
import dataclasses
import math
import pathlib
import re
import sys

import duckdb

import adjust
import exports
import lake

TOLERANCE = 1e-9
DIFFERENCES_SHOWN = 3
VIEWS = pathlib.Path(__file__).parent / "views"
MARTS = pathlib.Path(__file__).parents[2] / "sql" / "marts"
ROWS = ("typed", "priced", "scoped", "names", "committed", "hours", "utilized", "bought",
        "transacted", "inventory", "holdings", "adjusted")


@dataclasses.dataclass
class View:
    """A view, its recomputation, and how the two are compared.

    Without `sums` every row is compared, found by its `key`. With them the rows are
    counted and added up per `key` first.
    """

    name: str
    key: list[str]
    sums: list[str]
    sql: str

    @classmethod
    def read(cls, path: pathlib.Path) -> "View":
        text = path.read_text(encoding="utf-8")
        header = {}
        for line in text.splitlines():
            if not line.startswith("-- "):
                break
            word, _, rest = line.removeprefix("-- ").partition(": ")
            header.setdefault(word, []).extend(rest.replace(",", " ").split())
        return cls(path.stem, header["key"], header.get("sums", []), text)

    def others(self, connection: duckdb.DuckDBPyConnection) -> list[str]:
        """The columns compared under a key."""
        if self.sums:
            return [name if "(" in name else f"sum({name})" for name in self.sums]
        columns = connection.sql(self.sql).columns
        return [name for name in columns if name not in self.key]

    def select(self, columns: list[str], relation: str) -> str:
        """What follows `select` to have `columns` of `relation`."""
        aliased = [f'{column} as "c{number}"' for number, column in enumerate(columns)]
        grouped = f" group by {', '.join(self.key)}" if self.sums else ""
        return f"{', '.join(aliased)} from {relation}{grouped}"


def recomputed(sources: dict[str, pathlib.Path], as_of: str,
               adjustments: adjust.Adjustments) -> duckdb.DuckDBPyConnection:
    """The exports in tables, from which the views' SQL starts."""
    connection = duckdb.connect()
    exports.load(connection, sources)
    connection.execute(f"set variable as_of = date '{as_of}'")
    connection.execute(f"set variable billed_on = '{adjustments.prices}'")
    for name in ROWS:
        if name == "adjusted":
            adjust.load(connection, adjustments)
        connection.execute((VIEWS / "rows" / f"{name}.sql").read_text(encoding="utf-8"))
    return connection


def same(left, right) -> bool:
    if isinstance(left, float) and right is not None:
        return math.isclose(left, float(right), rel_tol=TOLERANCE, abs_tol=1e-12)
    if left is None or right is None or isinstance(left, bool):
        return left is right
    return left == str(right)


def by_key(view: View, whose: str, rows: list) -> dict | None:
    """Rows under their keys, or None where a key comes twice."""
    width = len(view.key)
    table = {}
    for row in rows:
        key = tuple(cell if cell is None else str(cell) for cell in row[:width])
        if key in table:
            print(f"{view.name} {key}: twice in what {whose}")
            return None
        table[key] = row[width:]
    return table


def compare(view: View, columns: list[str], ours: list, theirs: list) -> bool:
    ours, theirs = by_key(view, "costlake says", ours), by_key(view, "is recomputed", theirs)
    if ours is None or theirs is None:
        return False
    differing = collections.Counter()
    rows = 0
    for key in sorted(ours.keys() | theirs.keys(), key=str):
        if key not in theirs:
            told = {"rows that costlake alone has": ""}
        elif key not in ours:
            told = {"rows that costlake lacks": ""}
        else:
            cells = zip(columns, ours[key], theirs[key], strict=True)
            told = {column: f": costlake {left!r}, recomputed {right!r}"
                    for column, left, right in cells if not same(left, right)}
        rows += bool(told)
        if any(differing[what] < DIFFERENCES_SHOWN for what in told):
            print(f"{view.name} {key}: {'; '.join(map(''.join, told.items()))}")
        differing.update(told.keys())
    counts = ", ".join(f"{what} {count}" for what, count in differing.items())
    verdict = f"{rows} DIFFERENT ({counts})" if rows else "the same as costlake"
    print(f"{view.name}: {len(theirs)} rows of {len(columns)} columns recomputed, {verdict}")
    return not rows


def not_compared(views: list[View], others: dict[str, list[str]], catalog: list) -> list[str]:
    """Marts, and columns of recomputed views, that nothing here looks at."""
    texts = {view.name: " ".join(view.key + others[view.name]) for view in views}
    marts = {path.stem for path in MARTS.glob("*.sql")}
    columns = [f"{view}.{column}" for view, column in catalog
               if view in texts and not re.search(rf"\b{column}\b", texts[view])]
    return sorted(marts - texts.keys()) + columns


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("costlake")
    parser.add_argument("lake")
    parser.add_argument("sources", nargs="+", metavar="SOURCE=EXPORTS")
    parser.add_argument("--as-of", required=True, metavar="DATE")
    parser.add_argument("--config", metavar="FILE")
    parser.add_argument("--view", action="append", default=[])
    given = parser.parse_args()
    folders = dict(pair.split("=", 1) for pair in given.sources)
    connection = recomputed({name: pathlib.Path(at) for name, at in folders.items()}, given.as_of,
                            adjust.Adjustments(given.config))

    views = [View.read(path) for path in sorted(VIEWS.glob("*.sql"))]
    views = [view for view in views if not given.view or view.name in given.view]
    others = {view.name: view.others(connection) for view in views}
    questions = {view.name: view.select(view.key + others[view.name], view.name) for view in views}
    questions["catalog"] = "table_name, column_name from catalog_columns order by 2, 3"
    answers = lake.ask(given.costlake, given.lake, questions, given.as_of, given.config)
    good = True
    for view in views:
        sql = "select " + view.select(view.key + others[view.name], f"({view.sql})")
        rows = connection.execute(sql).fetchall()
        good = compare(view, others[view.name], answers[view.name], rows) and good
    if not given.view:
        print("not compared:", *not_compared(views, others, answers["catalog"]))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
