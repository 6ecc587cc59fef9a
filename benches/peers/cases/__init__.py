"""The cases, each with its reason; a case yields one result per comparison."""

import dataclasses
from collections.abc import Callable, Iterator

from peers.cases import customers, ingest, linear, overlap, queries, reports, startup, threads
from peers.context import Context
from peers.result import Result


@dataclasses.dataclass(frozen=True)
class Case:
    run: Callable[[Context], Iterator[Result]]
    # Large ones run with the first seed only.
    every_seed: bool = True


CASES = {
    "month_1gb": Case(ingest.month),
    "unique_heavy": Case(ingest.all_distinct),
    "unique_half": Case(ingest.half_distinct),
    "gzip": Case(ingest.compressed),
    "month_100mb": Case(ingest.smaller),
    "month_4mb": Case(ingest.tiny),
    "threads": Case(threads.run),
    "portable": Case(ingest.portable),
    "overlap": Case(overlap.run, every_seed=False),
    "linear": Case(linear.run, every_seed=False),
    "queries": Case(queries.run, every_seed=False),
    "reports": Case(reports.run, every_seed=False),
    "customers": Case(customers.run, every_seed=False),
    "startup": Case(startup.run, every_seed=False),
}
