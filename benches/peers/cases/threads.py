"""Ingest on one processor against two: how much of it runs side by side."""

from collections.abc import Iterator

from peers.cases.ingest import ROWS_1GB, ROWS_QUICK, load, month_of
from peers.context import Context
from peers.measure import Run, on_processors
from peers.result import Ratio, Result
from peers.rounds import alternate


def run(context: Context) -> Iterator[Result]:
    with context.workspace("threads") as folder:
        rows = context.of(ROWS_1GB, ROWS_QUICK)
        exported = month_of(context, folder, rows)
        plain = context.costlake.ingest_plainly

        def on(processors: int, workers: int | None = None) -> Run:
            with on_processors(processors):
                return load(context, folder / "lake", exported, *plain, workers=workers)

        figures = alternate({
            "two processors": lambda: on(2),
            # Scanners and IO share the one processor, too.
            "one processor": lambda: on(1),
            # What COSTLAKE_THREADS=1 does: scanners and IO still have the other one.
            "one worker": lambda: on(2, workers=1),
        }, context.rounds)
        result = Result("threads", context.seed, figures)
        result.ratios = [Ratio.between(figures, slower, "two processors", is_peer=False)
                         for slower in ("one processor", "one worker")]
        result.facts = {"csv_bytes": exported.size_bytes, "rows": exported.rows}
        yield result
