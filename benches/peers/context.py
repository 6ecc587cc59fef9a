"""What a case is given: the binary, a folder to work in, a seed, and how much to do."""

import contextlib
import dataclasses
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

from peers.engines.costlake import Costlake


@dataclasses.dataclass(frozen=True)
class Context:
    costlake: Costlake
    folder: pathlib.Path
    sql: pathlib.Path
    seed: int
    rounds: int
    threads: int
    quick: bool

    def of(self, full: int, quick: int) -> int:
        """A size of the case: as it is meant, or tiny."""
        return quick if self.quick else full

    @contextlib.contextmanager
    def workspace(self, name: str) -> Iterator[pathlib.Path]:
        """A folder of the case, gone with it: together they would not fit on most disks."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
