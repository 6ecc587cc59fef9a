"""Ingest against DuckDB's CSV-to-Parquet copy of the same files, in pairs.

    ingest.py COSTLAKE FOLDER [--case NAME] [--rounds N] [--threads N] [--out FILE]

Each case generates a month of exports, then alternates between the two, so that
a machine that slows down slows both. costlake's time is that of the whole
process, with its Delta commits, control totals and ledger; DuckDB's is that of
its COPY alone, types given, without starting Python or the engine. Both write
zstd level 1 with exact decimals. Cases in which costlake loses stay in the list.

Appends one JSON line per case to FILE and prints a table.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

DECIMALS = """effectivePrice quantity costInBillingCurrency costInPricingCurrency costInUsd
paygCostInBillingCurrency paygCostInUsd exchangeRatePricingToBilling PayGPrice unitPrice""".split()
DATES = """billingPeriodEndDate billingPeriodStartDate servicePeriodEndDate servicePeriodStartDate
date exchangeRateDate""".split()

CASES = {
    # name: (rows of the amortized file, more arguments of `generate`)
    "month_1gb": (800_000, []),
    "month_1gb_gzip": (800_000, ["--gzip"]),
    "month_100mb": (80_000, []),
    # Losing by design: Delta commits and four tables weigh more than the rows.
    "month_1mb": (400, []),
    # Not a pair: shows that memory does not grow with the month.
    "month_10gb": (7_700_000, []),
}

DUCKDB = """
import sys, time, json, duckdb
files, types, target, threads = json.loads(sys.argv[1])
duckdb.sql(f"set enable_progress_bar = false; set threads = {threads}; set preserve_insertion_order = false")
begin = time.perf_counter()
duckdb.execute(
    f"copy (select * from read_csv(?, header = true, all_varchar = false, types = {types!r},"
    f" dateformat = '%m/%d/%Y', auto_detect = false, columns = {types!r}, quote = '\\"',"
    f" escape = '\\"', delim = ',', strict_mode = true))"
    f" to '{target}' (format parquet, compression zstd, compression_level 1)", [files])
print(json.dumps([time.perf_counter() - begin, duckdb.__version__]))
"""


def columns(file: pathlib.Path) -> dict:
    """Types by column; the header's letter case differs between exports."""
    if file.suffix == ".gz":
        import gzip
        line = gzip.open(file, "rt", encoding="utf-8-sig").readline()
    else:
        line = file.open(encoding="utf-8-sig").readline()
    decimals, dates = ({name.lower() for name in names} for names in (DECIMALS, DATES))
    return {
        name: "DECIMAL(38,18)" if name.lower() in decimals
        else "DATE" if name.lower() in dates else "VARCHAR"
        for name in line.strip().split(",")
    }


def measured(command: list) -> tuple:
    """Wall seconds, peak resident MiB and standard output of a process."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output = process.stdout.read()
    complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    if status != 0:
        sys.exit(f"{command[0]} failed: {complaint.decode()[-2000:]}")
    return seconds, usage.ru_maxrss / 1024, output


def run_case(name: str, options) -> dict:
    rows, more = CASES[name]
    folder = pathlib.Path(options.folder) / name
    exports = folder / "exports"
    if not exports.exists():
        generate = [options.costlake, "--quiet", "generate", "--out", exports, "--months",
                    "2026-07..2026-07", "--rows", str(rows), *more]
        seconds, _, _ = measured(generate)
        written = sum(file.stat().st_size for file in exports.rglob("*.csv*"))
        print(f"{name}: generated {written / 1e6:.0f} MB at {written / 1e6 / seconds:.0f} MB/s")
    files = sorted(str(file) for file in (exports / "amortized").rglob("*.csv*"))
    size = sum(os.path.getsize(file) for file in files)
    types = columns(pathlib.Path(files[0]))
    paired = name != "month_10gb"
    ours, theirs, peaks, their_peaks, version = [], [], [], [], None
    for _ in range(options.rounds if paired else 1):
        lake = folder / "lake"
        shutil.rmtree(lake, ignore_errors=True)
        seconds, peak, _ = measured([
            options.costlake, "--quiet", "--lake", lake, "ingest", "--source", "bench",
            "--amortized", exports / "amortized", "--month", "2026-07",
        ])
        ours.append(seconds)
        peaks.append(peak)
        if not paired:
            continue
        target = folder / "duckdb.parquet"
        target.unlink(missing_ok=True)
        arguments = json.dumps([files, types, str(target), options.threads])
        _, peak, output = measured([sys.executable, "-c", DUCKDB, arguments])
        seconds, version = json.loads(output)
        theirs.append(seconds)
        their_peaks.append(peak)
    ratios = sorted(their / our for our, their in zip(ours, theirs))
    shutil.rmtree(folder / "lake", ignore_errors=True)
    return {
        "case": name, "csv_bytes": size, "files": len(files), "rounds": len(ours),
        "costlake_seconds": [round(value, 3) for value in ours],
        "duckdb_seconds": [round(value, 3) for value in theirs],
        "duckdb_over_costlake_median": round(statistics.median(ratios), 3) if ratios else None,
        "costlake_mb_per_second": round(size / 1e6 / statistics.median(ours), 1),
        "costlake_peak_mib": round(max(peaks)),
        "duckdb_peak_mib": round(max(their_peaks)) if their_peaks else None,
        "duckdb": version, "cores": os.cpu_count(), "machine": platform.machine(),
        "date": datetime.date.today().isoformat(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("costlake")
    parser.add_argument("folder")
    parser.add_argument("--case", action="append", choices=CASES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out")
    options = parser.parse_args()
    for name in options.case or CASES:
        result = run_case(name, options)
        print(f"{name}: {result['csv_bytes'] / 1e6:.0f} MB, costlake "
              f"{statistics.median(result['costlake_seconds']):.2f} s "
              f"({result['costlake_mb_per_second']} MB/s, {result['costlake_peak_mib']} MiB), "
              f"duckdb takes {result['duckdb_over_costlake_median']} × as long "
              f"({result['duckdb_peak_mib']} MiB)")
        if options.out:
            with open(options.out, "a", encoding="utf-8") as out:
                out.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
