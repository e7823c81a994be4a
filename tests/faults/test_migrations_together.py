"""Migrations under faults: concurrent migrations, locks, unreachable databases."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import main as alembic
from alembic.util import CommandError

from api.__main__ import main as api
from encore.database.engine import with_connection
from encore.migrations.upgrade import upgrade_database
from encore.service.revisions import newest_revision
from encore.settings import Settings, StartupError
from migrations import FOLDER
from tests.fixtures.databases import alembic_config
from tests.fixtures.databases import database_url as database_url  # noqa: PLC0414 - a fixture
from tests.fixtures.system import ROOT, environment_of
from tests.fixtures.workers import free_port

pytestmark = pytest.mark.usefixtures("restored_logs")

AT_ONCE = int(os.environ.get("MIGRATIONS_AT_ONCE", "4"))
ROUNDS = int(os.environ.get("MIGRATION_ROUNDS", "1"))
BEFORE_LAST = "-1"


@pytest.mark.processes
@pytest.mark.parametrize("round_", range(ROUNDS))
def test_concurrent_migrations_all_succeed(database_url: str, round_: int) -> None:
    del round_
    migrations = [
        subprocess.Popen(
            [Path(sys.executable).with_name("alembic"), "upgrade", "head"],
            cwd=ROOT,
            env=environment_of(DATABASE_URL=database_url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(AT_ONCE)
    ]
    results = [(migration.communicate()[1], migration.returncode) for migration in migrations]
    assert [status for _, status in results] == [0] * AT_ONCE, results
    assert revisions(database_url) == [newest_revision(FOLDER)]


def revisions(url: str) -> list[str]:
    rows: list[str] = []

    def select(connection: sa.Connection) -> None:
        rows.extend(connection.scalars(sa.text("SELECT version_num FROM alembic_version")))

    with_connection(url, select)
    return rows


def run_while_locked(url: str, sql: str, action: Callable[[], None]) -> None:
    """Run the action while another connection holds the locks of these statements."""

    def hold(connection: sa.Connection) -> None:
        connection.execute(sa.text(sql))
        action()

    if url.startswith("sqlite"):
        with_connection(url, hold)  # Its transaction holds the write lock.
        return
    engine = sa.make_url(url).render_as_string(hide_password=False)
    with asyncio.Runner() as runner:  # Alembic runs its own event loop.
        connection = runner.run(asyncpg.connect(engine))
        try:
            runner.run(connection.execute(f"BEGIN; {sql}"))
            action()
        finally:
            runner.run(connection.close())


@pytest.fixture
def previous_revision(database_url: str) -> str:
    """Return the URL of a database that lacks the last migration."""
    config = alembic_config(database_url)
    command.upgrade(config, "head")
    command.downgrade(config, BEFORE_LAST)
    return database_url


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"MIGRATION_LOCK_SECONDS": "1"}, "MIGRATION_LOCK_SECONDS"),
        (
            {"MIGRATION_LOCK_SECONDS": "60", "MIGRATION_STATEMENT_SECONDS": "1"},
            "MIGRATION_STATEMENT_SECONDS",
        ),
    ],
    ids=["lock", "statement"],
)
def test_migration_that_waits_too_long_for_a_lock_changes_nothing(
    previous_revision: str, limits: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite = previous_revision.startswith("sqlite")
    if sqlite and "MIGRATION_STATEMENT_SECONDS" in limits:
        pytest.skip("SQLite has no time limit of statements")
    for name, value in limits.items():
        monkeypatch.setenv(name, value)
    before = revisions(previous_revision)

    def upgrade() -> None:
        with pytest.raises(CommandError, match=f"{expected}.* nothing is changed"):
            command.upgrade(alembic_config(previous_revision), "head")

    run_while_locked(
        previous_revision, "SELECT 1" if sqlite else "LOCK TABLE alembic_version", upgrade
    )
    assert revisions(previous_revision) == before
    command.upgrade(alembic_config(previous_revision), "head")


def test_migration_waits_for_another_until_its_time_limit(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite uses the write lock of the file")
    monkeypatch.setenv("MIGRATION_STATEMENT_SECONDS", "1")

    def upgrade() -> None:
        with pytest.raises(CommandError, match="another migration has been running for over 1 s"):
            command.upgrade(alembic_config(database_url), "head")

    run_while_locked(database_url, f"SELECT pg_advisory_lock({0x656E636F7265})", upgrade)
    assert capsys.readouterr().err.count("another migration is running") == 1


def migrate_by_alembic() -> tuple[object, str]:
    os.chdir(ROOT)
    with pytest.raises(SystemExit) as exit_info:
        alembic(["upgrade", "head"])
    return exit_info.value.code, ""


def migrate_for_development() -> tuple[object, str]:
    try:
        upgrade_database(Settings.load().database_url, FOLDER)
    except StartupError as error:
        return 1, str(error)
    return 0, ""


COMMANDS: dict[str, Callable[[], tuple[object, str]]] = {
    "alembic upgrade head": migrate_by_alembic,
    "python -m api": lambda: (api([]), ""),
    "python -m api dev": migrate_for_development,
}
"""Each returns its exit status, and its message unless it prints one."""

MISSING_DATABASE = "there is no database yet; run .venv/bin/alembic upgrade head"
"""The message of a start for a missing file."""

URLS: dict[str, tuple[str, str]] = {
    # DATABASE_URL, and part of the message.
    "unparsable": ("what:ever:secret", "is not a database URL"),
    "no port": ("postgresql://u@localhost:secret/y", "is not a database URL"),
    "unknown database": ("mysql://u:secret@localhost/y", "supported are sqlite, postgresql"),
    "odd port": ("postgresql://u:secret@localhost:99999/y", "must have a port from 1 to 65535"),
    "in memory": ("sqlite://", "must name a file"),
    "refused": ("postgresql://u:secret@127.0.0.1:{port}/y", "cannot be reached (ECONNREFUSED)"),
    "refused by a name": ("postgresql://u:secret@localhost:{port}/y", "cannot be reached"),
    "no host": ("postgresql://u:secret@no.such.host.invalid/y", "cannot be resolved"),
    "no such user": ("{server}", "rejects this user (28000)"),
    "no such database": ("{server}", "no database of this name (3D000)"),
    "no directory": (
        "sqlite:///{directory}/none/secret.sqlite",
        "none does not exist; create it first",
    ),
    "a directory": ("sqlite:///{directory}", "it is a folder; name a file"),
    "no database": ("sqlite:///{directory}/words", "not a SQLite database (SQLITE_NOTADB)"),
}


@pytest.fixture
def invalid_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the invalid URL of this name, and create what it refers to."""
    (tmp_path / "words").write_text("these are words and no database" * 100)
    url, _ = URLS[request.param]
    if url != "{server}":
        return url.format(port=free_port(), directory=tmp_path)
    server = sa.make_url(request.getfixturevalue("postgres_url"))
    match request.param:
        case "no such user":
            server = server.set(username="nobody", password="secret")
        case "no such database":
            server = server.set(database="secret")
    return server.render_as_string(hide_password=False)


@pytest.mark.processes
@pytest.mark.parametrize("command_line", COMMANDS)
@pytest.mark.parametrize(
    ("invalid_url", "expected"),
    [(name, expected) for name, (_, expected) in URLS.items()],
    ids=URLS,
    indirect=["invalid_url"],
)
def test_command_with_invalid_database_url_prints_one_line_without_secret(
    invalid_url: str,
    expected: str,
    command_line: str,
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)  # It also restores the directory that a command changes.
    monkeypatch.setenv("DATABASE_URL", invalid_url)
    monkeypatch.setenv("DATABASE_WAIT_SECONDS", "0")
    monkeypatch.setenv("ISSUER", "https://issuer.example/")
    status, line = COMMANDS[command_line]()
    printed = capfd.readouterr()
    output = printed.out + printed.err + line
    assert status
    assert "Traceback" not in output
    assert "secret" not in output
    assert expected in output or (command_line == "python -m api" and MISSING_DATABASE in output)
