"""A month sixteen times as large: time should grow with it, memory should not.

The large month is loaded once and paired with nothing: no peer is asked, and no drift of
the machine is taken out of its ratio.
"""

import shutil
from collections.abc import Iterator

from peers.cases.ingest import ROWS_1GB, ROWS_QUICK, load, month_of
from peers.context import Context
from peers.result import Result
from peers.rounds import Figure, alternate

TIMES = 16
# CSV as generated, twice (both datasets are written before one is dropped), and the lake.
DISK_BYTES_PER_ROW = 2_800


def run(context: Context) -> Iterator[Result]:
    rows = context.of(ROWS_1GB, ROWS_QUICK)
    wanted = rows * TIMES * DISK_BYTES_PER_ROW
    free = shutil.disk_usage(context.folder).free
    if free < wanted:
        print(f"\nlinear: skipped, needs {wanted / 1e9:.0f} GB of disk below {context.folder}, "
              f"{free / 1e9:.0f} GB are free")
        return
    small, small_bytes = ingested(context, rows, context.rounds)
    large, large_bytes = ingested(context, rows * TIMES, 1)
    result = Result("linear", context.seed, {"small": small, f"{TIMES} times as large": large})
    grown = large.seconds[0] / small.median / (large_bytes / small_bytes)
    memory = max(large.peaks_mib) / max(small.peaks_mib)
    result.facts = {"csv_bytes": {"small": small_bytes, "large": large_bytes},
                    "rows": {"small": rows, "large": rows * TIMES},
                    "seconds_per_byte_large_over_small": round(grown, 3),
                    "peak_large_over_small": round(memory, 3)}
    result.notes = [
        f"{small_bytes / 1e6:,.0f} MB at {small_bytes / 1e6 / small.median:,.0f} MB/s, "
        f"{large_bytes / 1e6:,.0f} MB at {large_bytes / 1e6 / large.seconds[0]:,.0f} MB/s: "
        f"{grown:.2f} × the time per byte, {memory:.2f} × the peak"]
    yield result


def ingested(context: Context, rows: int, rounds: int) -> tuple[Figure, int]:
    with context.workspace("linear") as folder:
        # Where memory does not hold the large month, its reads come from disk.
        exported = month_of(context, folder, rows)
        plain = context.costlake.ingest_plainly
        figures = alternate({"costlake": lambda: load(context, folder / "lake", exported, *plain)},
                            rounds, warm_up=rounds > 1)
        return figures["costlake"], exported.size_bytes
