"""What was acknowledged is kept: the service is killed in the middle of its work, again and again.

``kill -9`` of the whole process group, while several writers post as fast as they can. After each
restart every row whose 201 had arrived is there, as it was answered, and the file is whole.
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
def killable(tmp_path: Path) -> Iterator[System]:
    """A system of the test's own, over SQLite."""
    system = start_items(tmp_path, LOG_LEVEL="warning")
    yield system
    system.stop()


def start_again(system: System) -> None:
    """Start it anew where it was, with a new token: the issuer's keys were in memory."""
    system.process = launch(system.directory, system.environment, system.command)
    wait_until_ready(system)
    system.client.headers["Authorization"] = f"Bearer {system.token()}"


def write_until_it_dies(
    system: System, writer: int, acknowledged: dict[int, dict[str, Any]], enough: threading.Event
) -> None:
    """Post, change and post on; note each answer as it arrives."""
    with httpx.Client(base_url=system.url, headers=system.client.headers) as client:
        try:
            for number in range(1_000_000):
                response = client.post("/items", json={"name": f"{writer}: {number}"})
                row = response.raise_for_status().json()
                acknowledged[row["id"]] = row
                if number % 5 == 0:
                    # Until the answer is there, either state may be the one that is kept.
                    del acknowledged[row["id"]]
                    response = client.put(f"/items/{row['id']}", json={"description": "changed"})
                    acknowledged[row["id"]] = response.raise_for_status().json()
                if len(acknowledged) >= ROWS_BEFORE_A_KILL:
                    enough.set()
        except httpx.TransportError:
            enough.set()


def kill_amid_writes(system: System) -> dict[int, dict[str, Any]]:
    """Kill all processes while writers write; give the rows that were acknowledged, by id."""
    acknowledged: dict[int, dict[str, Any]] = {}
    enough = threading.Event()
    writers = [
        threading.Thread(target=write_until_it_dies, args=(system, n, acknowledged, enough))
        for n in range(WRITERS)
    ]
    for thread in writers:
        thread.start()
    enough.wait()
    os.killpg(system.process.pid, signal.SIGKILL)
    system.process.wait()
    for thread in writers:
        thread.join()
    return acknowledged


def test_every_acknowledged_row_survives_kill_9(killable: System) -> None:
    kept: dict[int, dict[str, Any]] = {}
    for _ in range(KILLS):
        acknowledged = kill_amid_writes(killable)
        assert len(acknowledged) >= ROWS_BEFORE_A_KILL - WRITERS
        assert not kept.keys() & acknowledged.keys(), "an id was given twice"
        kept |= acknowledged
        start_again(killable)
        with closing(sqlite3.connect(killable.directory / "dev.sqlite")) as file:
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            (count,) = file.execute("SELECT count(*) FROM items").fetchone()
        # A row may be there whose answer was on its way: one for each writer and kill at most.
        assert len(kept) <= count <= len(kept) + KILLS * WRITERS
    found = {}
    for page in range(count // 1000 + 1):
        rows = killable.client.get("/items", params={"count": 1000, "page": page}).json()
        found.update({row["id"]: row for row in rows})
    assert {number: found.get(number) for number in kept} == kept


def test_a_file_is_whole_without_its_write_ahead_log_once_the_service_has_ended(
    killable: System,
) -> None:
    row = killable.client.post("/items", json={"name": "kept"}).json()
    assert killable.stop() == 0
    path = killable.directory / "dev.sqlite"
    alone = path.read_bytes()
    (killable.directory / "copy.sqlite").write_bytes(alone)
    with closing(sqlite3.connect(killable.directory / "copy.sqlite")) as file:
        rows = file.execute("SELECT id, name FROM items").fetchall()
    assert rows == [(row["id"], "kept")]
