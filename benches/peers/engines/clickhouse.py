"""ClickHouse local, by the chdb package: CSV files to one Parquet file.

Its CSV reader takes no `MM/DD/YYYY` date, so dates are cut from text; of the ways
tried that was the fastest.
"""

import pathlib
import time

import chdb

from peers.engines.columns import DATE, DECIMAL, typed_columns
from peers.engines.peer import answer


def text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def pattern(files: list[pathlib.Path]) -> str:
    """Several files of one folder as one; braces that hold a slash match nothing."""
    if len(files) == 1:
        return str(files[0])
    (folder,) = {file.parent for file in files}
    return f"{folder}/{{{','.join(file.name for file in files)}}}"


def expression(name: str, kind: str) -> str:
    if kind != DATE:
        return f"`{name}`"
    parts = ", ".join(f"{cast}(substring(`{name}`, {start}, {length}))"
                      for cast, start, length in (("toUInt16OrNull", 7, 4),
                                                  ("toUInt8OrNull", 1, 2),
                                                  ("toUInt8OrNull", 4, 2)))
    return f"makeDate32({parts}) as `{name}`"


def copy(job: dict) -> tuple[float, int]:
    columns = typed_columns(job["files"][0])
    structure = ", ".join(
        f"`{name}` Nullable({'Decimal(38, 18)' if kind == DECIMAL else 'String'})"
        for name, kind in columns.items())
    selected = ", ".join(expression(name, kind) for name, kind in columns.items())
    files = pattern([pathlib.Path(file) for file in job["files"]])
    begin = time.perf_counter()
    chdb.query(
        f"insert into function file({text(job['target'])}, 'Parquet')"
        f" select {selected} from file({text(files)}, 'CSVWithNames', {text(structure)})"
        f" settings max_threads = {job['threads']}, max_insert_threads = {job['threads']},"
        f" output_format_parquet_compression_method = 'zstd', output_format_compression_level = 1")
    seconds = time.perf_counter() - begin
    counted = chdb.query(f"select count() from file({text(job['target'])}, 'Parquet')", "CSV")
    return seconds, int(str(counted).strip())


if __name__ == "__main__":
    answer(copy)
