"""What a case found: a JSON line, a few printed lines, a row of the summary."""

import dataclasses
import statistics

from peers.rounds import Figure


@dataclasses.dataclass(frozen=True)
class Ratio:
    """How many times as long `slower` took as `base`, in pairs, round by round."""

    of: str
    over: str
    rounds: tuple[float, ...]
    # A peer beside costlake; else costlake beside itself in another setting.
    is_peer: bool = True

    @classmethod
    def between(cls, figures: dict[str, Figure], of: str, over: str = "costlake",
                is_peer: bool = True) -> "Ratio":
        pairs = zip(figures[of].seconds, figures[over].seconds, strict=True)
        return cls(of, over, tuple(a / b for a, b in pairs), is_peer)

    @property
    def name(self) -> str:
        return f"{self.of}_over_{self.over}"

    @property
    def spread(self) -> tuple[float, float, float]:
        """Least, median, greatest."""
        return min(self.rounds), statistics.median(self.rounds), max(self.rounds)

    @property
    def verdict(self) -> str:
        """Whether costlake won; by the median, and by every round."""
        if not self.is_peer:
            return ""
        low, middle, high = self.spread
        if middle < 1:
            return "costlake loses" if high < 1 else "costlake loses by the median"
        return "" if low >= 1 else "costlake loses some rounds"

    def as_json(self) -> dict:
        low, middle, high = (round(value, 3) for value in self.spread)
        return {"min": low, "median": middle, "max": high,
                **({"costlake_loses": middle < 1} if self.is_peer else {})}


@dataclasses.dataclass
class Result:
    """One case with one seed."""

    case: str
    seed: int
    figures: dict[str, Figure]
    ratios: list[Ratio] = dataclasses.field(default_factory=list)
    # Bytes of the Parquet files each wrote.
    parquet_bytes: dict[str, int] = dataclasses.field(default_factory=dict)
    # Sizes, counts and settings of the case.
    facts: dict = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)

    @property
    def parquet_over_costlake(self) -> dict[str, float]:
        return {name: size / self.parquet_bytes["costlake"]
                for name, size in self.parquet_bytes.items() if name != "costlake"}

    def as_json(self) -> dict:
        return {
            "case": self.case,
            "seed": self.seed,
            **self.facts,
            "seconds": {name: [round(value, 4) for value in figure.seconds]
                        for name, figure in self.figures.items()},
            "peak_mib": {name: round(max(figure.peaks_mib))
                         for name, figure in self.figures.items() if figure.peaks_mib},
            "parquet_bytes": self.parquet_bytes,
            "parquet_over_costlake": {name: round(over, 3)
                                      for name, over in self.parquet_over_costlake.items()},
            "ratios": {ratio.name: ratio.as_json() for ratio in self.ratios},
            "notes": self.notes,
        }
