"""Acknowledged writes survive ``kill -9`` of the service.

The whole process group is killed while several writers post as fast as they can. After each restart
the file is intact and contains every acknowledged row.
"""

import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fixtures.system import System, launch, start_items, wait_until_ready

pytestmark = pytest.mark.processes

KILLS = 3
WRITERS = 6
ROWS_BEFORE_A_KILL = 150


@pytest.fixture
def separate_system(tmp_path: Path) -> Iterator[System]:
    """Return a separate system over SQLite."""
    system = start_items(tmp_path, LOG_LEVEL="warning")
    yield system
    system.stop()


def restart(system: System) -> None:
    """Start the system again, with a new token: the issuer's keys were in memory."""
    system.process = launch(system.directory, system.environment, system.command)
    wait_until_ready(system)
    system.client.headers["Authorization"] = f"Bearer {system.token()}"


def write_until_killed(
    system: System,
    writer: int,
    acknowledged: dict[int, dict[str, Any]],
    written_enough: threading.Event,
) -> None:
    """Create and change rows until the service is killed; record each response."""
    with httpx.Client(base_url=system.url, headers=system.client.headers) as client:
        try:
            for number in range(1_000_000):
                response = client.post("/items", json={"name": f"{writer}: {number}"})
                row = response.raise_for_status().json()
                acknowledged[row["id"]] = row
                if number % 5 == 0:
                    # Until the response arrives, either state may be stored.
                    del acknowledged[row["id"]]
                    response = client.put(f"/items/{row['id']}", json={"description": "changed"})
                    acknowledged[row["id"]] = response.raise_for_status().json()
                if len(acknowledged) >= ROWS_BEFORE_A_KILL:
                    written_enough.set()
        except httpx.TransportError:
            written_enough.set()


def kill_during_writes(system: System) -> dict[int, dict[str, Any]]:
    """Kill all processes during writes; return the acknowledged rows by id."""
    acknowledged: dict[int, dict[str, Any]] = {}
    written_enough = threading.Event()
    writers = [
        threading.Thread(target=write_until_killed, args=(system, n, acknowledged, written_enough))
        for n in range(WRITERS)
    ]
    for thread in writers:
        thread.start()
    written_enough.wait()
    os.killpg(system.process.pid, signal.SIGKILL)
    system.process.wait()
    for thread in writers:
        thread.join()
    return acknowledged


def test_acknowledged_rows_survive_kill_9(separate_system: System) -> None:
    all_acknowledged: dict[int, dict[str, Any]] = {}
    for _ in range(KILLS):
        acknowledged = kill_during_writes(separate_system)
        assert len(acknowledged) >= ROWS_BEFORE_A_KILL - WRITERS
        assert not all_acknowledged.keys() & acknowledged.keys(), "an id was assigned twice"
        all_acknowledged |= acknowledged
        restart(separate_system)
        with closing(sqlite3.connect(separate_system.directory / "dev.sqlite")) as file:
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            (count,) = file.execute("SELECT count(*) FROM items").fetchone()
        # One row for each writer and kill may be stored without its response having arrived.
        assert len(all_acknowledged) <= count <= len(all_acknowledged) + KILLS * WRITERS
    stored = {}
    for page in range(count // 1000 + 1):
        rows = separate_system.client.get("/items", params={"count": 1000, "page": page}).json()
        stored.update({row["id"]: row for row in rows})
    assert {number: stored.get(number) for number in all_acknowledged} == all_acknowledged


def test_file_is_complete_without_wal_after_the_service_has_stopped(
    separate_system: System,
) -> None:
    row = separate_system.client.post("/items", json={"name": "kept"}).json()
    assert separate_system.stop() == 0
    path = separate_system.directory / "dev.sqlite"
    content = path.read_bytes()
    (separate_system.directory / "copy.sqlite").write_bytes(content)
    with closing(sqlite3.connect(separate_system.directory / "copy.sqlite")) as file:
        rows = file.execute("SELECT id, name FROM items").fetchall()
    assert rows == [(row["id"], "kept")]
