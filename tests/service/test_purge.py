"""``python -m encore purge``: options, report and exit codes, for a service in a file."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from encore.cli import EXIT_USAGE, main
from encore.database.engine import with_connection
from encore.database.tables import metadata
from encore.errors import StartupError
from encore.service.purge import chosen_resources, parse_age
from encore.service.purge_command import parse_options
from tests.fixtures.system import ROOT

SERVICE: Final = """
from datetime import datetime

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import Service
from encore.types import UtcDateTime


class Base(DeclarativeBase):
    pass


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    deletedAt: Mapped[datetime | None] = mapped_column(UtcDateTime)


service = Service()
service.resource(Book, soft_delete="deletedAt", scopes=["s"], access={"restore": "s"})
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(SERVICE, encoding="utf-8")
    with sqlite3.connect(tmp_path / "data.sqlite") as connection:
        connection.execute('CREATE TABLE books (id INTEGER PRIMARY KEY, "deletedAt" VARCHAR(24))')
        rows = [(1, None), (2, "2020-01-01T00:00:00.000Z"), (3, "2999-01-01T00:00:00.000Z")]
        connection.executemany("INSERT INTO books VALUES (?, ?)", rows)
    connection.close()
    with_connection(f"sqlite:///{tmp_path / 'data.sqlite'}", _create_own_tables)
    return tmp_path


def _create_own_tables(connection: sa.Connection) -> None:
    metadata.create_all(connection)
    connection.commit()


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    completed = subprocess.run(
        [sys.executable, "-m", "encore", "purge", "app:service", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "ISSUER": "https://issuer.example/",
            "DATABASE_URL": f"sqlite:///{folder / 'data.sqlite'}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return completed.returncode, completed.stdout, completed.stderr


def ids(folder: Path) -> list[int]:
    connection = sqlite3.connect(folder / "data.sqlite")
    found = [id_ for (id_,) in connection.execute("SELECT id FROM books ORDER BY id")]
    connection.close()
    return found


@pytest.mark.processes
def test_purge_reports_and_deletes_old_rows(folder: Path) -> None:
    dry = run(folder, "--dry-run", "--resource", "books")
    assert dry == (0, "books: 1 row would be deleted\n", "")
    assert ids(folder) == [1, 2, 3]
    assert run(folder, "--older-than=1d") == (0, "books: 1 row deleted\n", "")
    assert ids(folder) == [1, 3]


def test_purge_of_an_unknown_resource_fails() -> None:
    with pytest.raises(StartupError, match="'authors' is none of none"):
        chosen_resources([], "authors")


def test_purge_without_soft_deleted_resources_fails() -> None:
    with pytest.raises(StartupError, match="no resource is soft-deleted"):
        chosen_resources([], None)


def test_purge_with_nonsense_prints_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["purge", "app:service", "--older-than", "soon"]) == EXIT_USAGE
    output = capsys.readouterr()
    assert output.out == ""
    assert "'soon' is not an age such as 30d" in output.err
    assert "usage:" in output.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--all"], "'--all' is not an option"),
        (["--resource"], "--resource needs a value"),
        (["--dry-run", "--dry-run"], "--dry-run is given twice"),
        (["--dry-run=yes"], "'yes' is not an option"),
        (["books"], "'books' is not an option"),
        (["--older-than", "-1d"], "is not an age"),
        (["--older-than", "999999d"], "longer than time"),
    ],
)
def test_invalid_options_of_purge_are_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_options(arguments)


def test_age_has_a_unit() -> None:
    assert [parse_age(text).total_seconds() for text in ("1d", "2h", "3m")] == [86400, 7200, 180]
