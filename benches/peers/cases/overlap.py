"""Whether download, decoding and writing go on side by side.

From a source as fast as the local disk the processors should be busy all the time, from
a slow one the network: with `--max-bandwidth` a load should take what its bytes take,
and hardly more.
"""

import resource
from collections.abc import Iterator

from peers.cases.ingest import ROWS_1GB, ROWS_QUICK, load, month_of
from peers.context import Context
from peers.measure import Run
from peers.result import Result
from peers.rounds import alternate

# A gigabit line.
BYTES_PER_SECOND = 125_000_000


def run(context: Context) -> Iterator[Result]:
    with context.workspace("overlap") as folder:
        rows = context.of(ROWS_1GB, ROWS_QUICK)
        exported = month_of(context, folder, rows)
        plain = context.costlake.ingest_plainly
        busy: list[float] = []

        def from_disk() -> Run:
            before = processor_seconds()
            done = load(context, folder / "lake", exported, *plain)
            busy.append((processor_seconds() - before) / (done.seconds * context.threads))
            return done

        def from_network() -> Run:
            return load(context, folder / "lake", exported, *plain,
                        "--max-bandwidth", str(BYTES_PER_SECOND))

        figures = alternate({"from disk": from_disk, "at a gigabit": from_network}, context.rounds)
        result = Result("overlap", context.seed, figures)
        # The first was the warm-up.
        shares = sorted(busy[1:])
        network = exported.size_bytes / BYTES_PER_SECOND
        result.facts = {"csv_bytes": exported.size_bytes, "processors_busy": shares,
                        "network_seconds": network}
        over = [seconds / network for seconds in figures["at a gigabit"].seconds]
        result.notes.append(
            f"from disk the processors are busy {100 * shares[0]:.0f} to {100 * shares[-1]:.0f} % "
            f"of the time; at a gigabit a load takes {min(over):.2f} to {max(over):.2f} times "
            f"what its bytes take, {network:.2f} s")
        yield result


def processor_seconds() -> float:
    """Of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
