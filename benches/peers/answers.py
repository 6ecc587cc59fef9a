"""Whether two engines answered the same: CSV files compared without regard to order.

Rows are not matched by key: per column, the cells filled must be as many, and those
that are numbers must add up to the same. That finds an engine that skips work.
"""

import csv
import dataclasses
import pathlib

# Of the sum of absolute values: DuckDB computes in floating point where its decimals overflow.
RELATIVE_TOLERANCE = 1e-6


@dataclasses.dataclass
class Column:
    filled: int = 0
    # Not a number as soon as one cell is none.
    is_number: bool = True
    total: float = 0.0
    size: float = 0.0

    def add(self, cell: str) -> None:
        if not cell:
            return
        self.filled += 1
        if not self.is_number:
            return
        try:
            value = float(cell)
        except ValueError:
            self.is_number = False
            return
        self.total += value
        self.size += abs(value)


def read(file: pathlib.Path) -> tuple[int, dict[str, Column]]:
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        columns = {name: Column() for name in next(rows)}
        count = 0
        for count, cells in enumerate(rows, 1):
            for column, cell in zip(columns.values(), cells, strict=True):
                column.add(cell)
    return count, columns


def rows_in(file: pathlib.Path) -> int:
    return read(file)[0]


def differing(ours: pathlib.Path, theirs: pathlib.Path) -> str | None:
    """What differs first: rows, columns, cells filled, or a sum."""
    (our_rows, mine), (their_rows, other) = read(ours), read(theirs)
    if our_rows != their_rows:
        return f"{our_rows} rows against {their_rows}"
    if list(mine) != list(other):
        return "other columns"
    for name, one in mine.items():
        two = other[name]
        if one.filled != two.filled:
            return f"{name}: {one.filled} cells filled against {two.filled}"
        if one.is_number and two.is_number:
            if abs(one.total - two.total) > RELATIVE_TOLERANCE * max(one.size, two.size):
                return f"{name}: {one.total} against {two.total}"
    return None


def same_lines(ours: pathlib.Path, theirs: pathlib.Path) -> bool:
    """Byte for byte, but for the order of the lines."""
    return sorted(ours.read_bytes().splitlines()) == sorted(theirs.read_bytes().splitlines())
