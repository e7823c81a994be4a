"""Child processes: pinned to a core, always ended, and their memory, measured as a tree.

Each child leads a new session and process group, so that Ctrl-C in the terminal reaches only the
harness, which then ends whole groups. Linux only (/proc, CPU affinity).
"""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from benchmarks.command_line import BenchmarkError

_STOP_SECONDS: Final = 10.0
_MIN_CORES: Final = 2


@dataclass(frozen=True, slots=True)
class Cores:
    """The core of the servers and the core of everything else."""

    server: int
    load: int


def choose_cores() -> Cores:
    """Return two cores that this process may use.

    Raises:
        BenchmarkError: There are none, or this is not Linux.
    """
    if not hasattr(os, "sched_getaffinity"):
        raise BenchmarkError("the harness pins processes to cores, which needs Linux")
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < _MIN_CORES:
        raise BenchmarkError("two cores are needed: one for the server, one for the load")
    return Cores(server=usable[-1], load=usable[0])


@contextmanager
def pin_to_core(core: int) -> Iterator[None]:
    """Pin this thread, and the processes it starts meanwhile, to a core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """Return an unused TCP port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def minimal_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that every child needs, and no setting of a server, with some more."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ} | dict(extra)


@contextmanager
def run_process(
    argv: list[str], *, environment: Mapping[str, str], cwd: Path, core: int, log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program on a core; end it and all that it started with the block."""
    with pin_to_core(core):
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
    """End the process group of a child: SIGTERM, then SIGKILL after ten seconds."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(_STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def list_process_tree(root: int) -> list[int]:
    """Return a process id and those of its descendants."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The command name, in parentheses, may contain spaces.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def tree_memory(root: int) -> dict[str, float]:
    """Return the memory of a process and its descendants in MiB: `rss` and `pss`, each summed.

    PSS counts a page that n processes share as 1/n in each, so that the sum is what the tree
    occupies; the sum of RSS counts such a page n times.
    """
    total = {"rss": 0.0, "pss": 0.0}
    for pid in list_process_tree(root):
        for name in total:
            total[name] += _read_mib(Path(f"/proc/{pid}/smaps_rollup"), name.capitalize())
    return total


def reset_peak_memory(pids: list[int]) -> float:
    """Reset the peaks to what is resident now; return the largest of those, MiB."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    return max(_read_mib(Path(f"/proc/{pid}/status"), "VmRSS") for pid in pids)


def read_peak_memory(pids: list[int]) -> float:
    """Return the largest peak of any of these processes since the last reset, MiB."""
    return max(_read_mib(Path(f"/proc/{pid}/status"), "VmHWM") for pid in pids)


def _read_mib(path: Path, name: str) -> float:
    """Return a value that the kernel states in kB; 0 if the process has ended."""
    with suppress(OSError):
        for line in path.read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) / 1024
    return 0.0
