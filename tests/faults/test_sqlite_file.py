"""The SQLite file is deleted, replaced, truncated, made read-only or migrated under the service."""

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
    """What happens to the file.

    Attributes:
        does: Does it.
        reason: What ``/readyz`` and refused writes say then.
        undoes: Takes it back; None where the service needs a restart.
        loses: Whether a write at the time would be lost, rather than be in the file all the same.
        reads: Whether rows can still be read.
    """

    does: Callable[[Path], object]
    reason: str
    undoes: Callable[[Path], object] | None
    loses: bool = True
    reads: bool = True


def away(path: Path) -> Path:
    return path.with_name("away")


def replace(path: Path) -> None:
    """Put another database in its place, as a restore does."""
    restored = path.with_name("restored")
    with closing(sqlite3.connect(restored)) as other:
        other.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")
    path.rename(away(path))
    restored.rename(path)


def swap_directory(path: Path) -> None:
    shutil.copytree(path.parent, path.parent.with_name("copy"))
    shutil.rmtree(path.parent)


def back(path: Path) -> Path:
    return away(path).replace(path)


def log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def truncate_to(pages: int) -> Callable[[Path], None]:
    def truncate(path: Path) -> None:
        with closing(connect(path)) as driver:
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        os.truncate(path, pages * PAGE)

    return truncate


FAULTS = {
    "deleted": Fault(lambda p: p.rename(away(p)), "The database file was deleted", back),
    "unlinked": Fault(Path.unlink, "The database file was deleted", None),
    "directory": Fault(swap_directory, "The database file was deleted", None),
    "replaced": Fault(replace, "The database file was replaced", back),
    "emptied": Fault(truncate_to(0), "The database file was truncated", None, reads=False),
    "truncated": Fault(truncate_to(1), "The database file was truncated", None, reads=False),
    "log": Fault(
        lambda p: log_of(p).unlink(), "The write-ahead log of the database was deleted", None
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
        loses=False,
    ),
    "outdated": Fault(
        lambda p: set_revision(f"sqlite:///{p}", "old"),
        "The database needs a migration first",
        lambda p: set_revision(f"sqlite:///{p}", "head"),
        loses=False,
    ),
}


class Notes:
    """The service, and the rows that it has acknowledged."""

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
        """Post so many notes at once; give each answer's status and message."""

        async def one(number: int) -> tuple[int, str]:
            text = f"{number} " + "x" * 3_000
            answer = await self.api.call("POST", "/notes", json={"text": text})
            body = answer.json()
            if answer.status_code == 201:
                self.acknowledged[body["id"]] = body["text"]
                return 201, ""
            assert answer.headers["retry-after"] == "1"
            return answer.status_code, body["message"]

        async def all_at_once() -> list[tuple[int, str]]:
            return await asyncio.gather(*(one(number) for number in range(count)))

        return self.api.run(all_at_once())

    def ready(self) -> tuple[int, str]:
        """Ask ``/readyz``; give status and message."""
        answer = self.api.get(READY)
        assert str(self.path.parent) not in answer.text
        return answer.status_code, answer.json().get("message", "")


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Notes]:
    directory = tmp_path / "data"
    directory.mkdir()
    notes = Notes(directory)
    yield notes
    notes.api.close()


@pytest.mark.parametrize("name", FAULTS)
def test_fault_of_the_file_is_told_and_writes_are_refused_until_it_is_undone(
    notes: Notes, name: str
) -> None:
    fault = FAULTS[name]
    assert notes.ready() == (200, "")
    assert notes.post(20) == [(201, "")] * 20
    fault.does(notes.path)
    if fault.loses:
        answers = notes.post(3)  # SQLite itself may notice before.
        assert all(answer[0] == 503 for answer in answers)
        assert answers == [(503, fault.reason)] * 3 or not fault.reads
    assert notes.ready() == (503, fault.reason)
    assert notes.post(3) == [(503, fault.reason)] * 3
    assert notes.api.get("/livez").status_code == 200
    listed = notes.api.get("/notes", params={"count": 1000})
    if not fault.reads:
        assert listed.status_code == 503
    else:
        assert notes.acknowledged.items() <= {r["id"]: r["text"] for r in listed.json()}.items()
    if fault.undoes is not None:
        fault.undoes(notes.path)
        assert notes.ready() == (200, "")
        assert notes.post(3) == [(201, "")] * 3
        stored = {row["id"]: row["text"] for row in notes.api.rows(Note)}
        assert notes.acknowledged.items() <= stored.items()


@pytest.mark.parametrize("name", ["read-only", "outdated"])
def test_fault_is_noticed_without_a_request_and_so_is_its_end(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, name: str
) -> None:
    monkeypatch.setattr("encore.database.sqlite.maintenance.PERIOD_S", 0.05)
    notes: Notes = request.getfixturevalue("notes")
    fault = FAULTS[name]
    assert fault.undoes is not None
    notes.post(1)
    before = notes.api.rows(Note)
    fault.does(notes.path)
    notes.api.run(asyncio.sleep(0.5))
    assert notes.post(2) == [(503, fault.reason)] * 2
    fault.undoes(notes.path)
    assert notes.api.rows(Note) == before  # What is refused is not written either.
    notes.api.run(asyncio.sleep(0.5))
    assert notes.post(2) == [(201, "")] * 2


def test_upload_does_not_write_to_a_file_that_has_taken_the_place_of_the_database(
    notes: Notes,
) -> None:
    replace(notes.path)

    async def write() -> None:
        table = Base.metadata.tables["notes"]
        async with notes.api.database.bulk() as bulk, bulk.transaction(table):
            await bulk.orm(lambda session: session.add(Note(text="lost")))

    with pytest.raises(DatabaseFileChanged, match="replaced"):
        notes.api.run(write())
    with closing(sqlite3.connect(notes.path)) as other:
        assert other.execute("SELECT count(*) FROM notes").fetchone() == (0,)


def test_vacuum_by_another_process_is_no_truncation(notes: Notes) -> None:
    assert notes.post(50) == [(201, "")] * 50
    with closing(connect(notes.path)) as other:
        other.execute("DELETE FROM notes")
        other.execute("VACUUM")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    notes.acknowledged.clear()
    assert notes.ready() == (200, "")
    assert notes.post(5) == [(201, "")] * 5
    assert notes.ready() == (200, "")


@pytest.mark.processes
def test_looking_at_the_connections_of_the_process_keeps_the_locks_on_the_file(
    notes: Notes,
) -> None:
    notes.post(1)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        Eviction(0, tuple, listener).evict()
    # The last process that closes the file removes the log; without its locks ours would not count.
    script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM notes')"
    subprocess.run([sys.executable, "-c", script, notes.path], check=True)
    assert log_of(notes.path).exists()
    assert notes.post(1) == [(201, "")]
