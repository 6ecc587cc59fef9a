"""costlake, as a whole process."""

import dataclasses
import functools
import os
import pathlib
import subprocess

from peers.measure import Run, run


@dataclasses.dataclass(frozen=True)
class Costlake:
    """The binary, and the folder it runs in."""

    binary: pathlib.Path
    folder: pathlib.Path

    @functools.cached_property
    def version(self) -> str:
        return self.help("--version").strip()

    @functools.cached_property
    def ingest_plainly(self) -> list[str]:
        """Arguments that make `ingest` keep no rollups; none where it knows none."""
        return self.without_rollups("ingest")

    @functools.cached_property
    def sql_plainly(self) -> list[str]:
        """Arguments that make `sql` read no rollups; none where it knows none."""
        return self.without_rollups("sql")

    def without_rollups(self, command: str) -> list[str]:
        return ["--no-rollups"] if "--no-rollups" in self.help(command, "--help") else []

    def help(self, *words: str) -> str:
        return subprocess.run([self.binary, *words], check=True, text=True,
                              capture_output=True).stdout

    def run(self, *words, output: pathlib.Path | None = None, workers: int | None = None) -> Run:
        # A config or setting of whoever runs this must not count.
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("COSTLAKE_", "AZURE_"))}
        if workers:
            environment["COSTLAKE_THREADS"] = str(workers)
        return run([self.binary, "--quiet", *words], self.folder, output, environment)

    def generate(self, out: pathlib.Path, months: str, rows: int, seed: int, *more: str) -> Run:
        return self.run("generate", "--out", out, "--months", months, "--rows", rows,
                        "--seed", seed, *more)

    def ingest(self, lake: pathlib.Path, exports: dict[str, pathlib.Path], *more: str,
               source: str = "bench", workers: int | None = None) -> Run:
        """Loads exports by dataset: amortized, actual, price-sheet, …"""
        urls = [word for dataset, url in exports.items() for word in (f"--{dataset}", url)]
        return self.run("--lake", lake, "ingest", "--source", source, *urls, *more,
                        workers=workers)

    def sql(self, lake: pathlib.Path, query: str, *more: str,
            output: pathlib.Path | None = None, form: str = "csv") -> Run:
        return self.run("--lake", lake, "sql", "--format", form, *more, "-c", query,
                        output=output)
