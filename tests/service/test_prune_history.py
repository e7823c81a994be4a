"""``python -m encore prune history``: report and exit codes, for a service in a file."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import history_table
from encore.database.engine import with_connection
from encore.database.tables import metadata
from tests.fixtures.system import ROOT

SERVICE: Final = """
from datetime import timedelta

from encore import History, Service
from tests.service.test_prune_history import Book

service = Service()
service.resource(Book, history=History(timedelta(days=1)), scopes=["s"])

forever = Service()
forever.resource(Book, history=True, scopes=["s"])
"""
OLD: Final = "UPDATE books_history SET history_recorded_at = '2020-01-01T00:00:00.000Z'"


class Base(DeclarativeBase):
    pass


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


history_table(Book)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(SERVICE, encoding="utf-8")
    with_connection(f"sqlite:///{tmp_path / 'data.sqlite'}", _fill)
    return tmp_path


def _fill(connection: sa.Connection) -> None:
    for tables in (metadata, Base.metadata):
        tables.create_all(connection)
    for sql in ("INSERT INTO books VALUES (1, 'a')", "UPDATE books SET title = 'b'", OLD):
        connection.exec_driver_sql(sql)
    connection.commit()


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    completed = subprocess.run(
        [sys.executable, "-m", "encore", "prune", "history", *arguments],
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


@pytest.mark.processes
def test_prune_history_reports_and_deletes_old_entries(folder: Path) -> None:
    dry = run(folder, "app:service", "--dry-run")
    assert dry == (0, "books_history: 1 entry would be deleted\n", "")
    assert run(folder, "app:service") == (0, "books_history: 1 entry deleted\n", "")
    assert run(folder, "app:service") == (0, "books_history: 0 entries deleted\n", "")


@pytest.mark.processes
def test_prune_history_without_a_retention_is_refused(folder: Path) -> None:
    code, _, message = run(folder, "app:forever")
    assert (code, message.count("\n")) == (1, 1)
    assert "no resource has a history with a retention" in message
    assert run(folder, "app:service", "--all")[0] == 2
