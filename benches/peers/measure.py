"""Runs one process and says what it took.

Nothing is measured inside this process: it stays small, because a child's peak memory
counts from the size of the process it was started from.
"""

import contextlib
import dataclasses
import os
import pathlib
import subprocess
import tempfile
import time

COMPLAINT_BYTES_MAX = 2_000


class Failed(Exception):
    """A process ended with another exit code than 0."""


@dataclasses.dataclass
class Run:
    """One process: wall seconds, peak resident memory, standard output."""

    seconds: float
    peak_mib: float
    output: bytes


def run(command: list, folder: pathlib.Path, output: pathlib.Path | None = None,
        environment: dict[str, str] | None = None) -> Run:
    """Runs `command` in `folder`; its standard output goes to `output`, or comes back."""
    with contextlib.ExitStack() as stack:
        # Files rather than pipes: a full pipe would stall the process that is timed.
        errors = stack.enter_context(tempfile.TemporaryFile(dir=folder))
        out = stack.enter_context(
            output.open("wb") if output else tempfile.TemporaryFile(dir=folder))
        begin = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=errors, cwd=folder, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            complaint = errors.read().decode(errors="replace")[-COMPLAINT_BYTES_MAX:]
            raise Failed(f"{' '.join(str(part) for part in command)[:400]}\n"
                         f"  exit code {process.returncode}: {complaint.strip()}")
        text = b""
        if not output:
            out.seek(0)
            text = out.read()
    return Run(seconds, usage.ru_maxrss / 1024, text)


@contextlib.contextmanager
def on_processors(count: int):
    """Whatever is started meanwhile may use this many processors, and no more."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def warm(files: list[pathlib.Path]) -> None:
    """Brings files into the page cache, and writes out what waits to be written.

    Fresh files are still being written to disk, which would slow the first rounds.
    """
    os.sync()
    for file in files:
        with file.open("rb", buffering=0) as opened:
            while opened.read(8 << 20):
                pass
