"""Starts a peer as a process of its own.

A job goes in as one JSON argument, what it took comes back as one JSON line: the
seconds of the engine's one call, measured inside; the peak of the process is taken
outside.
"""

import dataclasses
import json
import os
import pathlib
import sys
from collections.abc import Callable

from peers.measure import Run, run

BENCHES = pathlib.Path(__file__).parents[2]


@dataclasses.dataclass
class Answer:
    """What a peer's job took and what it says of it."""

    run: Run
    rows: int


class Refused(Exception):
    """The engine could not do the job; the text is its own."""


def ask(engine: str, job: dict, folder: pathlib.Path) -> Answer:
    """`engine` is a module beside this one."""
    environment = os.environ | {
        "PYTHONPATH": str(BENCHES),
        # Polars reads its number of threads when it is imported.
        "POLARS_MAX_THREADS": str(job["threads"]),
    }
    command = [sys.executable, "-m", f"peers.engines.{engine}", json.dumps(job)]
    ran = run(command, folder, environment=environment)
    said = json.loads(ran.output.splitlines()[-1])
    if "error" in said:
        raise Refused(said["error"])
    return Answer(Run(said["seconds"], ran.peak_mib, b""), said["rows"])


def answer(work: Callable[[dict], tuple[float, int]]) -> None:
    """Main function of a peer: `work` gives seconds and rows."""
    job = json.loads(sys.argv[1])
    try:
        seconds, rows = work(job)
    except Exception as error:  # noqa: BLE001 - engines have error trees of their own
        print(json.dumps({"error": str(error).strip()[:600]}))
        return
    print(json.dumps({"seconds": seconds, "rows": rows}))
