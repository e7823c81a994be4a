"""The migrations: upgrade, downgrade, and equality with the models."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

import db.models  # noqa: F401 - registers the models with Base
import encore
from db.base import Base
from encore.database.engine import with_connection
from encore.errors import StartupError
from encore.migrations.upgrade import upgrade_database
from encore.service.revisions import newest_revision
from migrations import FOLDER
from tests.fixtures.databases import alembic_config

TABLES = set(Base.metadata.tables) | set(encore.metadata.tables)

# What else there is in a database: Alembic's own table, and SQLite's of the highest ids.
OWN = {"alembic_version"}


def tables_of(url: str) -> set[str]:
    """Return the names of the tables except Alembic's."""
    found: set[str] = set()
    with_connection(url, lambda connection: found.update(sa.inspect(connection).get_table_names()))
    return found - OWN


def columns_of(url: str) -> list[dict[str, Any]]:
    """Return the columns of parts."""
    found: list[Any] = []
    with_connection(
        url, lambda connection: found.extend(sa.inspect(connection).get_columns("parts"))
    )
    return [
        {"name": column["name"], "type": str(column["type"]), "nullable": column["nullable"]}
        for column in found
    ]


def definitions_of(url: str) -> list[Any]:
    """Return the columns, primary key and indexes of the library's tables."""
    found: list[Any] = []

    def inspect(connection: sa.Connection) -> None:
        inspector = sa.inspect(connection)
        for name in encore.metadata.tables:
            columns = inspector.get_columns(name)
            found.append([(c["name"], str(c["type"]), c["nullable"]) for c in columns])
            found.append((inspector.get_pk_constraint(name), inspector.get_indexes(name)))

    with_connection(url, inspect)
    return found


def checks_of(url: str) -> set[tuple[str, Any]]:
    """Return table and name of each CHECK constraint of the models' tables."""
    found: set[tuple[str, Any]] = set()

    def inspect(connection: sa.Connection) -> None:
        inspector = sa.inspect(connection)
        for name in Base.metadata.tables:
            found.update((name, check["name"]) for check in inspector.get_check_constraints(name))

    with_connection(url, inspect)
    return found


def create_library_tables(connection: sa.Connection) -> None:
    encore.metadata.create_all(connection)
    connection.commit()


def test_upgrade_downgrade_upgrade_creates_same_tables(database_url: str) -> None:
    config = alembic_config(database_url)
    command.upgrade(config, "head")
    assert tables_of(database_url) == TABLES
    before = columns_of(database_url)
    command.downgrade(config, "base")
    assert tables_of(database_url) == set()
    command.upgrade(config, "head")
    assert tables_of(database_url) == TABLES
    assert columns_of(database_url) == before


def test_each_migration_upgrades_downgrades_and_upgrades(database_url: str) -> None:
    config = alembic_config(database_url)
    scripts = ScriptDirectory.from_config(config)
    for script in reversed(list(scripts.walk_revisions())):
        command.upgrade(config, script.revision)
        command.downgrade(config, "-1")
        command.upgrade(config, script.revision)
    command.check(config)


def test_upgrade_at_head_changes_nothing(database_url: str) -> None:
    config = alembic_config(database_url)
    command.upgrade(config, "head")
    command.upgrade(config, "head")
    command.check(config)


def test_autogenerate_after_upgrade_is_empty(database_url: str) -> None:
    config = alembic_config(database_url)
    command.upgrade(config, "head")
    command.check(config)


def test_library_tables_created_by_metadata_equal_migrated_ones(database_url: str) -> None:
    command.upgrade(alembic_config(database_url), "head")
    migrated = definitions_of(database_url)
    command.downgrade(alembic_config(database_url), "base")
    with_connection(database_url, create_library_tables)
    assert definitions_of(database_url) == migrated


def test_migrated_checks_are_named_by_the_convention_of_the_models(database_url: str) -> None:
    command.upgrade(alembic_config(database_url), "head")
    assert checks_of(database_url) == {
        (table.name, check.name)
        for table in Base.metadata.tables.values()
        for check in table.constraints
        if isinstance(check, sa.CheckConstraint)
    }


def test_columns_of_parts_equal_those_of_the_seed(database_url: str) -> None:
    command.upgrade(alembic_config(database_url), "head")
    columns = columns_of(database_url)
    assert [(column["name"], column["nullable"]) for column in columns] == [
        ("id", False),
        ("partNumber", True),
        ("modelNumber", True),
        ("name", True),
        ("description", True),
        ("createdAt", False),
        ("updatedAt", False),
    ]
    assert [column["type"] for column in columns[1:5]] == ["VARCHAR(255)"] * 3 + ["TEXT"]


def test_newest_revision_is_the_only_head() -> None:
    scripts = ScriptDirectory.from_config(alembic_config("sqlite:///unused.sqlite"))
    assert scripts.get_heads() == [newest_revision(FOLDER)]


@pytest.mark.parametrize("command_name", ["upgrade", "downgrade"])
def test_migrations_run_offline(command_name: str, capsys: pytest.CaptureFixture[str]) -> None:
    config = alembic_config("sqlite:///unused.sqlite")
    if command_name == "upgrade":
        command.upgrade(config, "head", sql=True)
        assert "CREATE TABLE parts" in capsys.readouterr().out
    else:
        command.downgrade(config, "head:base", sql=True)
        assert "DROP TABLE parts" in capsys.readouterr().out


ENVIRONMENT = """\
import sqlalchemy as sa
from encore.migrations import run_migrations

run_migrations(sa.MetaData())
"""

REVISION = """\
import sqlalchemy as sa
from alembic import op

revision = {name!r}
down_revision = {previous!r}

def upgrade():
    op.create_table({name!r}, sa.Column("id", sa.Integer, primary_key=True))
"""


@pytest.mark.usefixtures("restored_logs")
def test_failing_migration_rolls_back_those_before_it(database_url: str, tmp_path: Path) -> None:
    """All are one transaction: otherwise another process could run between two of them."""
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    (tmp_path / "migrations" / "env.py").write_text(ENVIRONMENT)
    (versions / "first.py").write_text(REVISION.format(name="first", previous=None))
    second = REVISION.format(name="second", previous="first")
    (versions / "second.py").write_text(f"{second}    raise RuntimeError('second fails')\n")
    with pytest.raises(StartupError, match="second fails"):
        upgrade_database(database_url, tmp_path / "migrations")
    assert tables_of(database_url) == set()
    (versions / "second.py").write_text(second)
    upgrade_database(database_url, tmp_path / "migrations")
    assert tables_of(database_url) == {"first", "second"}
