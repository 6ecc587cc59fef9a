"""The benchmark: cases with each seed, printed, and appended to the file of runs."""

import argparse
import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
import traceback

from peers import report
from peers.cases import CASES
from peers.context import Context
from peers.engines.costlake import Costlake
from peers.machine import circumstances
from peers.measure import on_processors

REPOSITORY = pathlib.Path(__file__).parents[2]
RUNS = REPOSITORY / "benches" / "runs" / "bench.jsonl"
SEEDS = [1, 2, 3]
ROUNDS = 5
ROUNDS_QUICK = 2
THREADS = 2


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benches/bench", description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, metavar="PATH",
                        help="costlake to measure [default: build a release]")
    parser.add_argument("--folder", type=pathlib.Path, metavar="DIR",
                        help="where data goes; what a case wrote is deleted after it"
                             " [default: a temporary folder]")
    parser.add_argument("--case", action="append", choices=CASES, metavar="NAME",
                        help=f"one of {', '.join(CASES)}; may be repeated [default: all]")
    parser.add_argument("--rounds", type=int, metavar="N",
                        help=f"paired rounds [default: {ROUNDS}]")
    parser.add_argument("--seed", type=int, action="append", metavar="N",
                        help="of the data; may be repeated; large cases take the first only"
                             f" [default: {', '.join(str(seed) for seed in SEEDS)}]")
    parser.add_argument("--threads", type=int, default=THREADS, metavar="N",
                        help=f"processors of each program [default: {THREADS}]")
    parser.add_argument("--quick", action="store_true",
                        help="tiny data, one seed, two rounds: proves that the command works,"
                             " its figures mean nothing; appends nothing without --out")
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE",
                        help="JSON lines are appended to it [default: benches/runs/bench.jsonl]")
    options = parser.parse_args()
    options.rounds = options.rounds or (ROUNDS_QUICK if options.quick else ROUNDS)
    options.seed = options.seed or (SEEDS[:1] if options.quick else SEEDS)
    if not options.out and not options.quick:
        options.out = RUNS
    if options.rounds < 1 or options.threads < 1:
        parser.error("--rounds and --threads begin at 1")
    available = len(os.sched_getaffinity(0))
    if available < options.threads:
        parser.error(f"--threads {options.threads}, but {available} processors")
    return options


def release_binary() -> pathlib.Path:
    subprocess.run(["cargo", "build", "--release", "-p", "costlake"], cwd=REPOSITORY, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", "target")
    return REPOSITORY / target / "release" / "costlake"


def measure(options: argparse.Namespace, folder: pathlib.Path, binary: pathlib.Path) -> int:
    context = Context(
        costlake=Costlake(binary.resolve(), folder),
        folder=folder, sql=REPOSITORY / "sql", seed=0, rounds=options.rounds,
        threads=options.threads, quick=options.quick)
    known = circumstances(REPOSITORY, binary) | {
        "binary_given": options.binary is not None, "costlake": context.costlake.version,
        "threads": options.threads, "quick": options.quick}
    print(f"{known['costlake']} at {known['commit']}, {known['processor']}, {known['cores']} cores, "
          f"{options.threads} used; "
          + ", ".join(f"{name} {version}" for name, version in known["peers"].items()))
    print(report.READING)
    if options.quick:
        print("QUICK: tiny data; the figures mean nothing.")
    results, failed = [], []
    for name in options.case or CASES:
        case = CASES[name]
        for seed in options.seed if case.every_seed else options.seed[:1]:
            try:
                for result in case.run(dataclasses.replace(context, seed=seed)):
                    report.show(result)
                    results.append(result)
                    if options.out:
                        report.append(options.out, result, known)
            except Exception:  # noqa: BLE001 - the cases after it are still worth their time
                traceback.print_exc()
                failed.append(f"{name}, seed {seed}")
    report.summarize(results)
    differing = [result.case for result in results
                 if any("ANSWERS DIFFER" in note for note in result.notes)]
    if differing:
        print(f"answers differ: {', '.join(differing)}")
    if failed:
        print(f"failed: {'; '.join(failed)}")
    return 1 if failed or differing else 0


def main() -> int:
    options = arguments()
    binary = options.binary or release_binary()
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="costlake-bench-", dir=options.folder) as folder:
        with on_processors(options.threads):
            return measure(options, pathlib.Path(folder), binary)


if __name__ == "__main__":
    sys.exit(main())
