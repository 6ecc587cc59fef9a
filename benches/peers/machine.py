"""Under which circumstances a run was made: commit, machine, versions."""

import datetime
import hashlib
import importlib.metadata
import os
import pathlib
import platform
import subprocess

PEERS = ("duckdb", "polars", "chdb-core")


def circumstances(repository: pathlib.Path, binary: pathlib.Path) -> dict:
    return {
        "commit": commit(repository),
        # A binary that was given need not be of that commit.
        "binary_sha256": digest(binary)[:16],
        "date": datetime.date.today().isoformat(),
        "cores": os.cpu_count(),
        "processor": processor(),
        "machine": platform.machine(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "peers": {name: importlib.metadata.version(name) for name in PEERS},
    }


def digest(file: pathlib.Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def commit(repository: pathlib.Path) -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", repository, *words], check=True, text=True,
                              capture_output=True).stdout.strip()

    try:
        dirty = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "--short", "HEAD") + ("-dirty" if dirty else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def processor() -> str:
    """Its model, as the kernel names it."""
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            word, _, value = line.partition(":")
            if word.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
