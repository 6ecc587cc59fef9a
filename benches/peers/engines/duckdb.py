"""DuckDB: CSV files to one Parquet file, and the views of sql/ over a lake's Parquet files.

The views' text is run as it stands but for words that DuckDB spells otherwise
(`in_its_words`). Its decimals cannot carry the formulas: the product of two
DECIMAL(38,18) needs 36 decimals and overflows at 100. So where a view fails on exact
numbers it gets DOUBLE, cast as the files are read: inexact, and less work than
costlake's exact sums and products.
"""

import pathlib
import re
import time

import duckdb

from peers import delta, views
from peers.engines.columns import DATE, DECIMAL, typed_columns
from peers.engines.peer import answer

CSV_TYPES = {DECIMAL: "DECIMAL(38,18)", DATE: "DATE"}
# Functions that only bear another name.
MACROS = """
create macro to_char(value, format) as strftime(value, format);
create macro regexp_like(value, pattern) as regexp_matches(value, pattern);
create macro arrow_cast(value, type) as cast(value as timestamptz);
"""


def text(value) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def connect(threads: int) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        f"set threads = {int(threads)}; set enable_progress_bar = false;"
        " set preserve_insertion_order = false")
    return connection


def copy(job: dict) -> tuple[float, int]:
    columns = {name: CSV_TYPES.get(kind, "VARCHAR")
               for name, kind in typed_columns(job["files"][0]).items()}
    files = "[" + ", ".join(text(file) for file in job["files"]) + "]"
    connection = connect(job["threads"])
    begin = time.perf_counter()
    (rows,) = connection.execute(
        f"copy (select * from read_csv({files}, header = true, auto_detect = false,"
        f" columns = {columns!r}, dateformat = '%m/%d/%Y', quote = '\"', escape = '\"',"
        f" delim = ',', strict_mode = true))"
        f" to {text(job['target'])} (format parquet, compression zstd, compression_level 1)"
    ).fetchone()
    return time.perf_counter() - begin, rows


def query(job: dict) -> tuple[float, int]:
    """Runs `job["query"]` and writes all of its result as CSV, as costlake does."""
    connection = connect(job["threads"])
    connection.execute(MACROS)
    known = views.read(pathlib.Path(job["sql"]))
    made: set[str] = set()
    make(connection, job["view"], known, job, made)
    begin = time.perf_counter()
    (rows,) = connection.execute(
        f"copy ({job['query']}) to {text(job['target'])} (format csv, header)").fetchone()
    return time.perf_counter() - begin, rows


def make(connection, name: str, known: dict[str, views.View], job: dict, made: set[str]) -> None:
    """A view or table after what it reads."""
    if name in made or name == "none":
        return
    made.add(name)
    if name not in known:
        make_table(connection, name, job)
        return
    for source in known[name].sources:
        make(connection, source, known, job, made)
    connection.execute(f'create view "{name}" as {in_its_words(known[name].text)}')


def make_table(connection, name: str, job: dict) -> None:
    table = delta.read(pathlib.Path(job["lake"]) / name)
    if not table.files:
        raise ValueError(f"table {name} is empty")
    decimals = [column for column, kind in table.columns.items() if kind.startswith("decimal")]
    selected = "*"
    if job["numbers"] == "double" and decimals:
        casts = ", ".join(f'cast("{column}" as double) as "{column}"' for column in decimals)
        selected = f"* replace ({casts})"
    files = "[" + ", ".join(text(file) for file in table.files) + "]"
    # Months stay text, as they are in the lake's schema.
    connection.execute(
        f'create view "{name}" as select {selected} from read_parquet({files},'
        " hive_partitioning = true, hive_types_autocast = false)")


def in_its_words(sql: str) -> str:
    """What DuckDB spells otherwise: columns of VALUES, anti joins, ordered aggregates,
    and a group of a pattern that has fewer, which it refuses and others read as nothing."""
    sql = re.sub(r"\bcolumn(\d+)\b", lambda found: f"col{int(found[1]) - 1}", sql)
    sql = sql.replace("left anti join", "anti join").replace("current_date()", "current_date")
    sql = sql.replace(r"'\3'", "''")
    return re.sub(r"\b(first|last)_value\((?=[^()]* order by )", r"\1(", sql)


if __name__ == "__main__":
    answer(lambda job: copy(job) if job["task"] == "copy" else query(job))
