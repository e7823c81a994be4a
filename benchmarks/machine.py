"""Describes what was measured on: machine, disk, versions, commit."""

import importlib.metadata
import os
import platform
import sqlite3
import statistics
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from benchmarks.competitors import ROOT
from benchmarks.processes import Cores

_PACKAGES: Final = (
    "fastapi",
    "starlette",
    "granian",
    "uvicorn",
    "uvloop",
    "sqlalchemy",
    "asyncpg",
    "msgspec",
    "python-jose",
    "cryptography",
)
_FSYNCS: Final = 50


def describe_machine(workdir: Path, cores: Cores) -> dict[str, Any]:
    """Return the machine, disk and load average, for the report."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "server_core": cores.server,
        "load_core": cores.load,
        "memory_gib": round(_memory_gib(), 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "filesystem": _filesystem(workdir),
        "fsync_us": round(_fsync_us(workdir)),
        "load_average": [round(value, 2) for value in os.getloadavg()],
    }


def read_versions() -> dict[str, str]:
    """Return the versions of Python, SQLite and the packages of this service."""
    found = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for name in _PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def read_commit() -> str:
    """Return the short commit, with `+` if the work tree differs, or `unknown`."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3


def _filesystem(folder: Path) -> str:
    """Return the file system type of a folder (on tmpfs every fsync is free)."""
    mount, type_ = "", "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        _, path, found, *_ = line.split()
        if folder.is_relative_to(path) and len(path) >= len(mount):
            mount, type_ = path, found
    return type_


def _fsync_us(folder: Path) -> float:
    """Return the median time of appending 4 KiB and fsyncing it, in microseconds."""
    path = folder / "fsync.probe"
    times = []
    with path.open("wb", buffering=0) as probe:
        for _ in range(_FSYNCS):
            probe.write(b"\0" * 4096)
            started = time.perf_counter()
            os.fsync(probe.fileno())
            times.append(time.perf_counter() - started)
    path.unlink()
    return statistics.median(times) * 1e6
