"""Polars: CSV files to one Parquet file.

Decimals are read as Decimal(38,18), exactly; dates are parsed from text by format, as
its CSV reader knows ISO dates only.
"""

import time

import polars as pl

from peers.engines.columns import DATE, DECIMAL, typed_columns
from peers.engines.peer import answer


def copy(job: dict) -> tuple[float, int]:
    columns = typed_columns(job["files"][0])
    schema = {name: pl.Decimal(38, 18) if kind == DECIMAL else pl.String
              for name, kind in columns.items()}
    dates = [pl.col(name).str.to_date("%m/%d/%Y") for name, kind in columns.items() if kind == DATE]
    begin = time.perf_counter()
    (
        pl.scan_csv(job["files"], schema=schema)
        .with_columns(dates)
        .sink_parquet(job["target"], compression="zstd", compression_level=1,
                      maintain_order=False)
    )
    seconds = time.perf_counter() - begin
    return seconds, pl.scan_parquet(job["target"]).select(pl.len()).collect().item()


if __name__ == "__main__":
    answer(copy)
