"""Which Parquet files a Delta table consists of, by its log.

Replays the JSON commits from the first: the lakes of this benchmark are young, nothing
was vacuumed or cleaned up, so no checkpoint has to be read.
"""

import dataclasses
import json
import pathlib
import urllib.parse


@dataclasses.dataclass
class Table:
    """Live files, and column types as Delta spells them."""

    files: list[pathlib.Path]
    columns: dict[str, str]

    @property
    def size_bytes(self) -> int:
        return sum(file.stat().st_size for file in self.files)


def read(folder: pathlib.Path) -> Table:
    live: dict[str, None] = {}
    columns: dict[str, str] = {}
    commits = sorted((folder / "_delta_log").glob("*.json"))
    if not commits or int(commits[0].stem) != 0:
        raise ValueError(f"{folder}: the log does not begin with commit 0")
    for commit in commits:
        for line in commit.read_text(encoding="utf-8").splitlines():
            action = json.loads(line)
            if "remove" in action:
                live.pop(action["remove"]["path"], None)
            if "add" in action:
                live[action["add"]["path"]] = None
            if "metaData" in action:
                schema = json.loads(action["metaData"]["schemaString"])
                columns = {field["name"]: str(field["type"]) for field in schema["fields"]}
    return Table([folder / urllib.parse.unquote(path) for path in live], columns)
