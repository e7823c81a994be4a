"""The SQLite file is deleted, replaced, truncated, made read-only or migrated while in use."""

import asyncio
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore.database.errors import DatabaseFileChanged
from encore.database.sqlite.pragmas import connect
from encore.http.access import PUBLIC
from encore.server.eviction import Eviction
from encore.service.health import READY, health_routes
from tests.faults.test_schema_revision import set_revision
from tests.fixtures.in_process import sqlite_with
from tests.fixtures.library import Api

PAGE = 4_096


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)


@dataclass(frozen=True)
class Fault:
    """A fault of the file.

    Attributes:
        apply: Causes the fault.
        reason: The message of ``/readyz`` and of rejected writes.
        undo: Ends the fault; None if the service needs a restart.
        loses_writes: Whether a write during the fault would be lost.
        is_readable: Whether rows can still be read.
    """

    apply: Callable[[Path], object]
    reason: str
    undo: Callable[[Path], object] | None
    loses_writes: bool = True
    is_readable: bool = True


def moved_path(path: Path) -> Path:
    return path.with_name("away")


def replace(path: Path) -> None:
    """Replace the file by another database, as a restore does."""
    restored = path.with_name("restored")
    with closing(sqlite3.connect(restored)) as connection:
        connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")
    path.rename(moved_path(path))
    restored.rename(path)


def swap_directory(path: Path) -> None:
    shutil.copytree(path.parent, path.parent.with_name("copy"))
    shutil.rmtree(path.parent)


def move_back(path: Path) -> Path:
    return moved_path(path).replace(path)


def wal_path(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def truncate_to(pages: int) -> Callable[[Path], None]:
    def truncate(path: Path) -> None:
        with closing(connect(path)) as driver:
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        os.truncate(path, pages * PAGE)

    return truncate


FAULTS = {
    "deleted": Fault(lambda p: p.rename(moved_path(p)), "The database file was deleted", move_back),
    "unlinked": Fault(Path.unlink, "The database file was deleted", None),
    "directory": Fault(swap_directory, "The database file was deleted", None),
    "replaced": Fault(replace, "The database file was replaced", move_back),
    "emptied": Fault(truncate_to(0), "The database file was truncated", None, is_readable=False),
    "truncated": Fault(truncate_to(1), "The database file was truncated", None, is_readable=False),
    "log": Fault(
        lambda p: wal_path(p).unlink(), "The write-ahead log of the database was deleted", None
    ),
    "index": Fault(
        lambda p: p.with_name(f"{p.name}-shm").unlink(),
        "The index of the database's write-ahead log was deleted",
        None,
    ),
    "read-only": Fault(
        lambda p: p.chmod(0o444),
        "The database file is read-only",
        lambda p: p.chmod(0o644),
        loses_writes=False,
    ),
    "outdated": Fault(
        lambda p: set_revision(f"sqlite:///{p}", "old"),
        "The database needs a migration first",
        lambda p: set_revision(f"sqlite:///{p}", "head"),
        loses_writes=False,
    ),
}


class NoteService:
    """The service and its acknowledged rows."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "inprocess.sqlite"
        self.api = Api(sqlite_with(Base.metadata, directory), outdated=["old"])
        set_revision(self.api.url, "head")
        self.api.app.access = {READY: PUBLIC, "/livez": PUBLIC}
        self.api.app.router.routes.extend(
            health_routes(self.api.database, is_draining=lambda: False).routes
        )
        self.api.crud.resource(Note)
        self.acknowledged: dict[int, str] = {}

    def post(self, count: int) -> list[tuple[int, str]]:
        """Create this many notes concurrently; return the status and message of each response."""

        async def post_note(number: int) -> tuple[int, str]:
            text = f"{number} " + "x" * 3_000
            response = await self.api.call("POST", "/notes", json={"text": text})
            body = response.json()
            if response.status_code == 201:
                self.acknowledged[body["id"]] = body["text"]
                return 201, ""
            assert response.headers["retry-after"] == "1"
            return response.status_code, body["message"]

        async def post_all() -> list[tuple[int, str]]:
            return await asyncio.gather(*(post_note(number) for number in range(count)))

        return self.api.run(post_all())

    def get_readiness(self) -> tuple[int, str]:
        """Request ``/readyz``; return status and message."""
        response = self.api.get(READY)
        assert str(self.path.parent) not in response.text
        return response.status_code, response.json().get("message", "")


@pytest.fixture
def note_service(tmp_path: Path) -> Iterator[NoteService]:
    directory = tmp_path / "data"
    directory.mkdir()
    note_service = NoteService(directory)
    yield note_service
    note_service.api.close()


@pytest.mark.parametrize("name", FAULTS)
def test_file_fault_is_reported_and_rejects_writes_until_undone(
    note_service: NoteService, name: str
) -> None:
    fault = FAULTS[name]
    assert note_service.get_readiness() == (200, "")
    assert note_service.post(20) == [(201, "")] * 20
    fault.apply(note_service.path)
    if fault.loses_writes:
        responses = note_service.post(3)  # SQLite itself may fail first.
        assert all(response[0] == 503 for response in responses)
        assert responses == [(503, fault.reason)] * 3 or not fault.is_readable
    assert note_service.get_readiness() == (503, fault.reason)
    assert note_service.post(3) == [(503, fault.reason)] * 3
    assert note_service.api.get("/livez").status_code == 200
    response = note_service.api.get("/notes", params={"count": 1000})
    if not fault.is_readable:
        assert response.status_code == 503
    else:
        assert (
            note_service.acknowledged.items()
            <= {r["id"]: r["text"] for r in response.json()}.items()
        )
    if fault.undo is not None:
        fault.undo(note_service.path)
        assert note_service.get_readiness() == (200, "")
        assert note_service.post(3) == [(201, "")] * 3
        stored = {row["id"]: row["text"] for row in note_service.api.rows(Note)}
        assert note_service.acknowledged.items() <= stored.items()


@pytest.mark.parametrize("name", ["read-only", "outdated"])
def test_file_fault_and_its_end_are_noticed_without_a_request(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, name: str
) -> None:
    monkeypatch.setattr("encore.database.sqlite.maintenance.PERIOD_S", 0.05)
    note_service: NoteService = request.getfixturevalue("note_service")
    fault = FAULTS[name]
    assert fault.undo is not None
    note_service.post(1)
    before = note_service.api.rows(Note)
    fault.apply(note_service.path)
    note_service.api.run(asyncio.sleep(0.5))
    assert note_service.post(2) == [(503, fault.reason)] * 2
    fault.undo(note_service.path)
    assert note_service.api.rows(Note) == before  # Rejected writes are not stored.
    note_service.api.run(asyncio.sleep(0.5))
    assert note_service.post(2) == [(201, "")] * 2


def test_upload_to_a_replaced_file_is_rejected(
    note_service: NoteService,
) -> None:
    replace(note_service.path)

    async def write() -> None:
        table = Base.metadata.tables["notes"]
        async with note_service.api.database.bulk() as bulk, bulk.transaction(table):
            await bulk.orm(lambda session: session.add(Note(text="lost")))

    with pytest.raises(DatabaseFileChanged, match="replaced"):
        note_service.api.run(write())
    with closing(sqlite3.connect(note_service.path)) as connection:
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (0,)


def test_vacuum_by_another_process_is_not_reported_as_truncation(note_service: NoteService) -> None:
    assert note_service.post(50) == [(201, "")] * 50
    with closing(connect(note_service.path)) as connection:
        connection.execute("DELETE FROM notes")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    note_service.acknowledged.clear()
    assert note_service.get_readiness() == (200, "")
    assert note_service.post(5) == [(201, "")] * 5
    assert note_service.get_readiness() == (200, "")


@pytest.mark.processes
def test_eviction_keeps_the_locks_on_the_file(
    note_service: NoteService,
) -> None:
    note_service.post(1)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        Eviction(0, tuple, listener).evict()
    # The last process to close the file removes the log unless this process still holds its locks.
    script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM notes')"
    subprocess.run([sys.executable, "-c", script, note_service.path], check=True)
    assert wal_path(note_service.path).exists()
    assert note_service.post(1) == [(201, "")]
