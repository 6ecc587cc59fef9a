"""Lakes to ask: generated, loaded with everything the views read, exports dropped."""

import pathlib
import shutil

from peers.context import Context
from peers.exports import DATASETS


def build(context: Context, lake: pathlib.Path, months: str, rows: int, seed: int,
          source: str = "bench", customers: int | None = None) -> None:
    """Adds a source to `lake`; `rows` per month in each of the two cost files."""
    exports = lake.with_name("exports")
    # Compressed: 36 months of plain CSV want more disk than the lake by far.
    more = ["--customers", customers] if customers else []
    context.costlake.generate(exports, months, rows, seed, "--gzip", *more)
    context.costlake.ingest(
        lake, {name: exports / name for name in DATASETS if (exports / name).is_dir()},
        "--month", months, source=source)
    shutil.rmtree(exports)
