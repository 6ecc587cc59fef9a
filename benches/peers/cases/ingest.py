"""A month of amortized cost: CSV to a month of the lake, and to a Parquet file by each peer.

costlake commits to Delta, keeps control totals and a ledger, checks the manifest and adds
up by day and scope; a peer writes one file. A peer that copies another number of rows
than the manifest promises fails the case.
"""

import functools
import pathlib
import shutil
from collections.abc import Iterator

from peers import delta
from peers.context import Context
from peers.engines import peer
from peers.exports import Month, make_distinct
from peers.measure import Failed, Run, warm
from peers.result import Ratio, Result
from peers.rounds import alternate

MONTH = "2026-07"
ROWS_1GB = 800_000
# The generator writes no smaller month: it gives every customer its days.
ROWS_LEAST = 3_000
ROWS_QUICK = ROWS_LEAST
PEERS = ("duckdb", "polars", "clickhouse")


def month(context: Context) -> Iterator[Result]:
    """An ordinary month of a mid-sized partner."""
    yield measured(context, "month_1gb", context.of(ROWS_1GB, ROWS_QUICK))


def all_distinct(context: Context) -> Iterator[Result]:
    """Dictionaries are no use on the three widest columns."""
    yield measured(context, "unique_heavy", context.of(ROWS_1GB, ROWS_QUICK), distinct_every=1)


def half_distinct(context: Context) -> Iterator[Result]:
    """Dictionaries of the three widest columns grow large and help half of the rows."""
    yield measured(context, "unique_half", context.of(ROWS_1GB, ROWS_QUICK), distinct_every=2)


def compressed(context: Context) -> Iterator[Result]:
    """Gunzip cannot be split, so it may be the wall."""
    yield measured(context, "gzip", context.of(ROWS_1GB, ROWS_QUICK), "--gzip")


def portable(context: Context) -> Iterator[Result]:
    """CSV split without AVX, as on other processors."""
    yield measured(context, "portable", context.of(ROWS_1GB, ROWS_QUICK), load_as=("--portable",))


def smaller(context: Context) -> Iterator[Result]:
    """A single file: nothing to share out but its own chunks."""
    yield measured(context, "month_100mb", context.of(ROWS_1GB // 10, ROWS_QUICK))


def tiny(context: Context) -> Iterator[Result]:
    """Loses by design: Delta commits and bookkeeping weigh more than the rows."""
    yield measured(context, "month_4mb", ROWS_LEAST)


def measured(context: Context, name: str, rows: int, *generate: str,
             distinct_every: int | None = None, load_as: tuple[str, ...] = ()) -> Result:
    with context.workspace(name) as folder:
        exported = month_of(context, folder, rows, *generate)
        if distinct_every:
            make_distinct(exported.folder, distinct_every, context.seed)
            warm(exported.files)
        return compare(context, name, folder, exported, load_as)


def month_of(context: Context, folder: pathlib.Path, rows: int, *generate: str) -> Month:
    """A generated month of amortized cost, in the page cache as far as that holds it."""
    exports = folder / "exports"
    context.costlake.generate(exports, f"{MONTH}..{MONTH}", rows, context.seed, *generate)
    # Only one dataset is loaded; the others would take disk and page cache.
    for other in exports.iterdir():
        if other.is_dir() and other.name != "amortized":
            shutil.rmtree(other)
    exported = Month.of(exports / "amortized")
    warm(exported.files)
    return exported


def compare(context: Context, name: str, folder: pathlib.Path, exported: Month,
            load_as: tuple[str, ...]) -> Result:
    plain = context.costlake.ingest_plainly
    contestants = {
        "costlake": lambda: load(context, folder / "lake", exported, *plain, *load_as)}
    notes = []
    for engine in PEERS:
        copying = functools.partial(copy, context, engine, folder, exported)
        try:
            copying()
        except (peer.Refused, Failed) as refusal:
            notes.append(f"{engine} cannot copy this: {' '.join(str(refusal).split())}")
        else:
            contestants[engine] = copying
    if plain:
        contestants["costlake with rollups"] = lambda: load(context, folder / "full", exported,
                                                             *load_as)
    else:
        notes.append("this costlake has no --no-rollups: it is timed as it ingests by default")
    figures = alternate(contestants, context.rounds)
    result = Result(name, context.seed, figures, notes=notes)
    result.ratios = [Ratio.between(figures, engine) for engine in PEERS if engine in figures]
    if plain:
        result.ratios.append(Ratio.between(figures, "costlake with rollups", is_peer=False))
    sizes = {engine: target(folder, engine).stat().st_size
             for engine in PEERS if engine in figures}
    sizes["costlake"] = delta.read(folder / "lake" / "amortized_cost").size_bytes
    result.parquet_bytes = sizes
    result.facts = {"csv_bytes": exported.size_bytes, "files": len(exported.files),
                    "rows": exported.rows}
    size = f"{exported.size_bytes / 1e6:,.0f} MB in {len(exported.files)} files"
    result.notes.insert(0, f"{size}, {exported.rows:,} rows; Parquet of costlake: all live files "
                           "of amortized_cost, of a peer: its one file")
    return result


def load(context: Context, lake: pathlib.Path, exported: Month, *more: str,
         workers: int | None = None) -> Run:
    # An earlier lake would make it a no-op.
    shutil.rmtree(lake, ignore_errors=True)
    return context.costlake.ingest(lake, {"amortized": exported.folder}, "--month", MONTH, *more,
                                   workers=workers)


def target(folder: pathlib.Path, engine: str) -> pathlib.Path:
    return folder / f"{engine}.parquet"


def copy(context: Context, engine: str, folder: pathlib.Path, exported: Month) -> Run:
    file = target(folder, engine)
    file.unlink(missing_ok=True)
    job = {"task": "copy", "files": [str(path) for path in exported.files], "target": str(file),
           "threads": context.threads}
    answer = peer.ask(engine, job, folder)
    if answer.rows != exported.rows:
        raise ValueError(f"{engine} wrote {answer.rows} rows, the manifest has {exported.rows}")
    return answer.run
