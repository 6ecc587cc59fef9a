"""Synthetic exports: made by `costlake generate`, rewritten where a case asks for it."""

import csv
import dataclasses
import json
import pathlib
import random

DATASETS = ("actual", "amortized", "price-sheet", "reservation-details",
            "reservation-transactions")
# Columns that are distinct in every row where resources live for a day and each bears
# its own tags.
WIDE = ("resourceid", "tags", "additionalinfo")


@dataclasses.dataclass(frozen=True)
class Month:
    """The files of one export run."""

    folder: pathlib.Path
    files: list[pathlib.Path]

    @classmethod
    def of(cls, folder: pathlib.Path) -> "Month":
        files = sorted(file for file in folder.rglob("*.csv*"))
        if not files:
            raise FileNotFoundError(f"{folder}: no CSV file")
        return cls(folder, files)

    @property
    def size_bytes(self) -> int:
        return sum(file.stat().st_size for file in self.files)

    @property
    def rows(self) -> int:
        """As the manifests promise."""
        return sum(blob["dataRowCount"]
                   for manifest in self.folder.rglob("manifest.json")
                   for blob in json.loads(manifest.read_text(encoding="utf-8"))["blobs"])


def make_distinct(folder: pathlib.Path, every: int, seed: int) -> None:
    """Gives every `every`-th row a resource id, tags and additional info of its own.

    Rewrites the CSV files below `folder` and the sizes in their manifests. All other
    cells stay as they are.
    """
    chance = random.Random(seed)
    for file in Month.of(folder).files:
        distinct_file(file, every, chance)
    for manifest in folder.rglob("manifest.json"):
        said = json.loads(manifest.read_text(encoding="utf-8"))
        for blob in said["blobs"]:
            blob["byteCount"] = (manifest.parent / pathlib.Path(blob["blobName"]).name).stat().st_size
        said["byteCount"] = sum(blob["byteCount"] for blob in said["blobs"])
        manifest.write_text(json.dumps(said, indent=2), encoding="utf-8")


def distinct_file(file: pathlib.Path, every: int, chance: random.Random) -> None:
    partial = file.with_suffix(".partial")
    with (file.open(encoding="utf-8", newline="") as before,
          partial.open("w", encoding="utf-8", newline="") as after):
        rows = csv.reader(before)
        out = csv.writer(after, lineterminator="\n")
        header = next(rows)
        out.writerow(header)
        names = [name.lstrip("\ufeff").lower() for name in header]
        resource, *objects = (names.index(name) for name in WIDE)
        for number, cells in enumerate(rows):
            if number % every == 0:
                # Random rather than counted: neighbors must not compress into one another.
                mark = f"{chance.getrandbits(64):016x}"
                cells[resource] += f"/instances/{mark}"
                for place in objects:
                    cells[place] = with_member(cells[place], mark)
            out.writerow(cells)
    partial.replace(file)


def with_member(text: str, mark: str) -> str:
    """A JSON object with one more member; an empty cell becomes an object."""
    member = f'"run":"{mark}"'
    inside = text.strip().removeprefix("{").removesuffix("}")
    return "{" + (f"{inside},{member}" if inside else member) + "}"
