"""How much memory a process needed at its peak, as Linux counts it."""

from collections.abc import Iterator
from pathlib import Path


def children_of(pid: int) -> Iterator[int]:
    """Give a process and all that descend from it."""
    yield pid
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            yield from children_of(int(stat.parent.name))


def peak_memory(pids: list[int]) -> float:
    """Return the largest peak of any of these processes, MiB (`VmHWM`)."""
    return max(_status(pid, "VmHWM") for pid in pids)


def forget_peaks(pids: list[int]) -> float:
    """Set the peaks back to what is resident now; return the largest of that, MiB."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    return max(_status(pid, "VmRSS") for pid in pids)


def _status(pid: int, name: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    found = next((line for line in lines if line.startswith(name)), "0 0")
    return int(found.split()[1]) / 1024
