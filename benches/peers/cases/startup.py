"""The least a question costs: a lake of many months is opened and asked nothing.

`select 1` reads no rows; what it takes is process start, session, and what is read of
the lake to know its tables.
"""

from collections.abc import Iterator

from peers import lakes
from peers.context import Context
from peers.result import Result
from peers.rounds import alternate

SOURCES = ("contoso", "fabrikam", "proseware")
MONTHS = "2023-08..2026-07"
MONTHS_QUICK = "2026-05..2026-07"
# As few as the generator writes.
ROWS = 3_000
ROUNDS = 20


def run(context: Context) -> Iterator[Result]:
    with context.workspace("startup") as folder:
        lake = folder / "lake"
        months = MONTHS_QUICK if context.quick else MONTHS
        for number, source in enumerate(SOURCES):
            lakes.build(context, lake, months, ROWS, context.seed + number, source)
        figures = alternate(
            {"select 1": lambda: context.costlake.sql(lake, "select 1"),
             "count(*) from ingest_runs":
                 lambda: context.costlake.sql(lake, "select count(*) from ingest_runs")},
            context.of(ROUNDS, context.rounds))
        result = Result("startup", context.seed, figures)
        result.facts = {"months": months, "sources": len(SOURCES)}
        yield result
