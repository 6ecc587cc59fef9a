"""The views of sql/: their text, what they read, whether they are rows or sums."""

import dataclasses
import pathlib

FOLDERS = ("staging", "marts")


@dataclasses.dataclass(frozen=True)
class View:
    name: str
    text: str
    sources: tuple[str, ...]
    # One row per row of a table, rather than sums.
    is_row_level: bool


def read(sql: pathlib.Path) -> dict[str, View]:
    """All views by name, staging first."""
    files = [file for folder in FOLDERS for file in sorted((sql / folder).glob("*.sql"))]
    return {file.stem: parse(file) for file in files}


def parse(file: pathlib.Path) -> View:
    text = file.read_text(encoding="utf-8")
    header = {}
    for line in text.splitlines():
        if not line.startswith("-- "):
            break
        word, _, rest = line.removeprefix("-- ").partition(": ")
        header.setdefault(word, rest)
    sources = tuple(name.strip() for name in header["sources"].split(","))
    return View(file.stem, text, sources, header["grain"].startswith("one row per"))
