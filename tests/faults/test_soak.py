"""A soak: everybody at once for a while, and nothing is lost, left over or grown.

A few seconds in the suite; ``make soak`` runs it for five minutes (``SOAK_SECONDS``).
"""

import os
from pathlib import Path

import pytest

from benchmarks.processes import list_process_tree, tree_memory
from tests.faults.soak import Soak
from tests.fixtures.system import System, start_items
from tests.fixtures.workers import DATABASES

pytestmark = pytest.mark.processes

SECONDS = float(os.environ.get("SOAK_SECONDS", "3"))
WARM_UP_SECONDS = min(SECONDS, 20)
MIB = 1024 * 1024
MAY_GROW_MIB = 24
MAY_STAY_OPEN = 8
MOST_WAL_MIB = 80


@pytest.mark.parametrize("database", DATABASES)
def test_callers_of_all_kinds_at_once_leave_every_acknowledged_write_and_nothing_else(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = {"LOG_LEVEL": "warning"}
    if database == "postgresql":
        settings["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    system = start_items(tmp_path, **settings)
    try:
        soak(system)
    finally:
        assert system.stop() == 0, system.output()
    log = system.output()
    assert "Traceback" not in log
    assert "internal" not in log


def soak(system: System) -> None:
    warm_up = Soak(system, WARM_UP_SECONDS)
    warm_up.run(writers=4, readers=2, hostile=2)
    before = memory(system), descriptors(system)
    main = Soak(system, SECONDS)
    main.run(writers=4, readers=2, hostile=2)
    assert main.done > 0
    assert [*warm_up.surprises, *main.surprises] == []
    found = all_items(system)
    for ledger in (*warm_up.ledgers, *main.ledgers):
        assert {key: found.get(key) for key in ledger.rows} == ledger.rows
        assert not ledger.gone & found.keys()
    written = {key for one in (*warm_up.ledgers, *main.ledgers) for key in one.rows}
    assert found.keys() == written, "a row is there that nobody was told of"
    assert memory(system) - before[0] <= MAY_GROW_MIB
    assert descriptors(system) - before[1] <= MAY_STAY_OPEN
    wal = system.directory / "dev.sqlite-wal"
    if wal.exists():
        assert wal.stat().st_size <= MOST_WAL_MIB * MIB


def all_items(system: System) -> dict[int, str]:
    """Return the names of all parts by id, page after page."""
    found: dict[int, str] = {}
    page = 0
    while rows := system.client.get("/items", params={"count": 1000, "page": page}).json():
        found |= {row["id"]: row["name"] for row in rows}
        page += 1
    return found


def memory(system: System) -> float:
    """Return the proportional share of memory of all its processes, MiB."""
    return tree_memory(system.process.pid)["pss"]


def descriptors(system: System) -> int:
    """Return how many descriptors all its processes have open."""
    folders = [Path(f"/proc/{pid}/fd") for pid in list_process_tree(system.process.pid)]
    return sum(len(list(folder.iterdir())) for folder in folders)
