"""A soak test: all callers at once; no write is lost, no memory or descriptor leaks.

A few seconds in the suite; ``make soak`` runs it for five minutes (``SOAK_SECONDS``).
"""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from benchmarks.processes import list_process_tree, tree_memory
from tests.faults.soak import Soak
from tests.fixtures.in_process import postgres_with
from tests.fixtures.system import System, start_items
from tests.fixtures.workers import DATABASES

pytestmark = pytest.mark.processes

SECONDS = float(os.environ.get("SOAK_SECONDS", "3"))
WARM_UP_SECONDS = min(SECONDS, 20)
MIB = 1024 * 1024
MAX_GROWTH_MIB = 24
MAX_NEW_DESCRIPTORS = 8
MAX_WAL_MIB = 80


@pytest.mark.parametrize("database", DATABASES)
def test_soak_stores_exactly_the_acknowledged_writes(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with ExitStack() as stack:
        settings = {"LOG_LEVEL": "warning"}
        if database == "postgresql":
            server = request.getfixturevalue("postgres_url")
            settings["DATABASE_URL"] = stack.enter_context(postgres_with(MetaData(), server))
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
    assert main.responses > 0
    assert [*warm_up.unexpected, *main.unexpected] == []
    stored = all_items(system)
    for written in (*warm_up.written_rows, *main.written_rows):
        assert {id_: stored.get(id_) for id_ in written.rows} == written.rows
        assert not written.deleted & stored.keys()
    expected_ids = {
        id_ for written in (*warm_up.written_rows, *main.written_rows) for id_ in written.rows
    }
    assert stored.keys() == expected_ids, "a row exists that was not acknowledged"
    assert memory(system) - before[0] <= MAX_GROWTH_MIB
    assert descriptors(system) - before[1] <= MAX_NEW_DESCRIPTORS
    wal = system.directory / "dev.sqlite-wal"
    if wal.exists():
        assert wal.stat().st_size <= MAX_WAL_MIB * MIB


def all_items(system: System) -> dict[int, str]:
    """Return the names of all items by id, page by page."""
    stored: dict[int, str] = {}
    page = 0
    while rows := system.client.get("/items", params={"count": 1000, "page": page}).json():
        stored |= {row["id"]: row["name"] for row in rows}
        page += 1
    return stored


def memory(system: System) -> float:
    """Return the proportional share of memory of all its processes, MiB."""
    return tree_memory(system.process.pid)["pss"]


def descriptors(system: System) -> int:
    """Return how many descriptors all its processes have open."""
    folders = [Path(f"/proc/{pid}/fd") for pid in list_process_tree(system.process.pid)]
    return sum(len(list(folder.iterdir())) for folder in folders)
