"""Rounds: everything that is compared takes its turn in every round.

A machine that slows down for a while then slows all of them, and the ratio within a
round means something where two averages would not.
"""

import collections
import dataclasses
import statistics
from collections.abc import Callable

from peers.measure import Run


@dataclasses.dataclass
class Figure:
    """What one contestant took: one entry per round."""

    seconds: list[float] = dataclasses.field(default_factory=list)
    peaks_mib: list[float] = dataclasses.field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def add(self, run: Run) -> None:
        self.seconds.append(run.seconds)
        self.peaks_mib.append(run.peak_mib)


def alternate(contestants: dict[str, Callable[[], Run]], count: int,
              warm_up: bool = True) -> dict[str, Figure]:
    """Runs all contestants `count` times, each round beginning with another one.

    The order turns so that nobody always follows the same neighbor. A round before
    the first loads programs into the page cache and is not counted.
    """
    names = list(contestants)
    figures = collections.defaultdict(Figure)
    if warm_up:
        for name in names:
            contestants[name]()
    for number in range(count):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            figures[name].add(contestants[name]())
    return {name: figures[name] for name in names}
