"""Child processes: pinned to a core, ended for certain, measured as a tree.

Each child leads a session and process group of its own, so a Ctrl-C in the terminal reaches
the harness alone, which then ends whole groups. Linux only (/proc, CPU affinity).
"""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.errors import BenchmarkError

STOP_SECONDS = 10.0
_MIB = 1024 * 1024
_MIN_CORES = 2


@dataclass(frozen=True, slots=True)
class Cores:
    """The core of the servers and the core of everything else."""

    server: int
    load: int


def choose_cores() -> Cores:
    """Return two cores that this process may use."""
    if not hasattr(os, "sched_getaffinity"):
        raise BenchmarkError("the harness pins processes to cores, which needs Linux")
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < _MIN_CORES:
        raise BenchmarkError("two cores are needed: one for the server, one for the load")
    return Cores(server=usable[-1], load=usable[0])


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Keep this thread, and whatever it starts meanwhile, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """Return a loopback TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def minimal_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return what a child needs from ours, so that no stray setting reaches a server."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ} | dict(extra)


@contextmanager
def running(
    argv: list[str], *, environment: Mapping[str, str], cwd: Path, core: int, log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program on one core; end it and all it started when the block ends."""
    with pinned(core):
        child = subprocess.Popen(
            argv,
            env=minimal_environment(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield child
    finally:
        _stop(child)


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End a child's process group: SIGTERM, a while to leave, then SIGKILL."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def tree_memory(root: int) -> dict[str, float]:
    """Return MiB over a process and its descendants: `rss` of each summed, and `pss`.

    PSS counts a page that n processes share as 1/n in each, so its sum is what the tree
    really occupies; summed RSS counts such pages n times.
    """
    total = {"rss": 0.0, "pss": 0.0}
    for pid in _tree(root):
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name, _, value = line.partition(":")
                if name.lower() in total:
                    total[name.lower()] += int(value.split()[0]) * 1024 / _MIB
    return total


def _tree(root: int) -> list[int]:
    """Return a process id and those of its descendants."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The command name, in parentheses, may contain spaces: split after it.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit, so that every `finally` runs."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        raise BenchmarkError("the harness must run in the main thread")
    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
