"""Prints results and appends them to the file of runs."""

import json
import pathlib
import statistics

from peers.result import Ratio, Result

READING = """\
Ratios say how many times as long the other took: below 1, costlake lost. min, median
and max are of rounds in pairs. costlake is timed as a whole process, with its start,
Delta commits, control totals and ledger; a peer by its one call alone, without starting
Python, importing the engine or naming tables. Peaks are of whole processes, so a peer's
includes Python. All run on the same number of processors, files in the page cache."""


def spread(ratio: Ratio) -> str:
    low, middle, high = ratio.spread
    return f"{low:.2f} / {middle:.2f} / {high:.2f} ×"


def time_of(seconds: list[float]) -> str:
    middle = statistics.median(seconds)
    if middle >= 1:
        return f"{middle:.2f} s"
    return f"{middle * 1000:.0f} ms"


def show(result: Result) -> None:
    """The case as it ends: who took what, then the ratios."""
    print(f"\n{result.case}, seed {result.seed}", flush=True)
    for name, figure in result.figures.items():
        line = f"  {name:<28} {time_of(figure.seconds):>9}"
        line += f"  ({time_of([min(figure.seconds)])} to {time_of([max(figure.seconds)])})"
        if figure.peaks_mib:
            line += f"  peak {max(figure.peaks_mib):,.0f} MiB"
        if name in result.parquet_bytes:
            line += f"  Parquet {result.parquet_bytes[name] / 1e6:,.1f} MB"
        print(line)
    for ratio in result.ratios:
        print(f"  {ratio.of} over {ratio.over}: {spread(ratio)}  {ratio.verdict}".rstrip())
    for name, over in result.parquet_over_costlake.items():
        loses = "costlake's files are larger" if over < 1 else ""
        print(f"  Parquet of {name} over costlake's: {over:.2f} ×  {loses}".rstrip())
    for note in result.notes:
        print(f"  {note}")


def summarize(results: list[Result]) -> None:
    """One line per case and peer, over all rounds of all seeds."""
    together: dict[tuple[str, str], Ratio] = {}
    for result in results:
        for ratio in result.ratios:
            key = result.case, ratio.name
            before = together[key].rounds if key in together else ()
            together[key] = Ratio(ratio.of, ratio.over, before + ratio.rounds, ratio.is_peer)
    if not together:
        return
    print(f"\n{'case':<40} {'ratio':<38} {'min / median / max':<24}")
    for (case, _), ratio in together.items():
        of = f"{ratio.of} over {ratio.over}"
        print(f"{case:<40} {of:<38} {spread(ratio):<24} {ratio.verdict}".rstrip())
    lost = [ratio for ratio in together.values() if ratio.is_peer and ratio.spread[1] < 1]
    peers = sum(ratio.is_peer for ratio in together.values())
    print(f"\ncostlake loses {len(lost)} of {peers} comparisons with peers by the median")


def append(file: pathlib.Path, result: Result, circumstances: dict) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(result.as_json() | circumstances, ensure_ascii=False) + "\n")
