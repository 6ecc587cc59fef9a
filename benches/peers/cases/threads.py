"""Ingest on one processor against two: how much of it runs side by side.

Two processors of a virtual machine may be two threads of one core, which together do little
more than one. So two loads that know nothing of each other run side by side, too, each on a
processor of its own: a single load cannot do better on two processors than these.
"""

import concurrent.futures
import os
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

        def side_by_side() -> Run:
            def alone(processor: int) -> Run:
                # Of this thread, which ends after the load.
                os.sched_setaffinity(0, {processor})
                lake = folder / f"lake-{processor}"
                return load(context, lake, exported, *plain, workers=1)

            processors = sorted(os.sched_getaffinity(0))[:2]
            with concurrent.futures.ThreadPoolExecutor(len(processors)) as threads:
                runs = list(threads.map(alone, processors))
            return Run(max(run.seconds for run in runs), sum(run.peak_mib for run in runs), b"")

        figures = alternate({
            "two processors": lambda: on(2),
            # Scanners and IO share the one processor, too.
            "one processor": lambda: on(1),
            # What COSTLAKE_THREADS=1 does: scanners and IO still have the other one.
            "one worker": lambda: on(2, workers=1),
            "two loads side by side": side_by_side,
        }, context.rounds)
        result = Result("threads", context.seed, figures)
        result.ratios = [Ratio.between(figures, slower, "two processors", is_peer=False)
                         for slower in ("one processor", "one worker")]
        # 1 where the processors share nothing, 2 where they are one.
        result.ratios.append(Ratio.between(
            figures, "two loads side by side", "one processor", is_peer=False))
        result.facts = {"csv_bytes": exported.size_bytes, "rows": exported.rows}
        yield result
