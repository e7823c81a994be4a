"""The migrations: up, down and up again, with nothing left that the models do not have."""

from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

import db.models  # noqa: F401 - registers the models with Base
import encore
from db.base import Base
from encore.database.engine import with_connection
from encore.service.revisions import newest_revision
from migrations import FOLDER
from tests.fixtures.databases import alembic_config

TABLES = set(Base.metadata.tables) | set(encore.metadata.tables)

# What else there is in a database: Alembic's own table, and SQLite's of the highest ids.
OWN = {"alembic_version"}


def tables_of(url: str) -> set[str]:
    """Give the names of the tables but for Alembic's."""
    found: set[str] = set()
    with_connection(url, lambda connection: found.update(sa.inspect(connection).get_table_names()))
    return found - OWN


def columns_of(url: str) -> list[dict[str, Any]]:
    """Describe the columns of parts."""
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


def create_library_tables(connection: sa.Connection) -> None:
    encore.metadata.create_all(connection)
    connection.commit()


def test_all_tables_come_and_go_and_come_again_the_same(database_url: str) -> None:
    config = alembic_config(database_url)
    command.upgrade(config, "head")
    assert tables_of(database_url) == TABLES
    before = columns_of(database_url)
    command.downgrade(config, "base")
    assert tables_of(database_url) == set()
    command.upgrade(config, "head")
    assert tables_of(database_url) == TABLES
    assert columns_of(database_url) == before


def test_each_step_goes_up_down_and_up(database_url: str) -> None:
    config = alembic_config(database_url)
    scripts = ScriptDirectory.from_config(config)
    for script in reversed(list(scripts.walk_revisions())):
        command.upgrade(config, script.revision)
        command.downgrade(config, "-1")
        command.upgrade(config, script.revision)
    command.check(config)


def test_upgrading_what_is_at_head_changes_nothing(database_url: str) -> None:
    config = alembic_config(database_url)
    command.upgrade(config, "head")
    command.upgrade(config, "head")
    command.check(config)


def test_the_models_and_the_database_are_the_same(database_url: str) -> None:
    config = alembic_config(database_url)
    command.upgrade(config, "head")
    command.check(config)


def test_library_tables_created_by_metadata_equal_migrated_ones(database_url: str) -> None:
    command.upgrade(alembic_config(database_url), "head")
    migrated = definitions_of(database_url)
    command.downgrade(alembic_config(database_url), "base")
    with_connection(database_url, create_library_tables)
    assert definitions_of(database_url) == migrated


def test_columns_are_called_and_shaped_as_the_seeds(database_url: str) -> None:
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


def test_there_is_one_head_and_the_service_finds_it_as_alembic_does() -> None:
    scripts = ScriptDirectory.from_config(alembic_config("sqlite:///unused.sqlite"))
    assert scripts.get_heads() == [newest_revision(FOLDER)]


@pytest.mark.parametrize("command_name", ["upgrade", "downgrade"])
def test_the_migrations_can_be_written_out_as_sql(
    command_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = alembic_config("sqlite:///unused.sqlite")
    if command_name == "upgrade":
        command.upgrade(config, "head", sql=True)
        assert "CREATE TABLE parts" in capsys.readouterr().out
    else:
        command.downgrade(config, "head:base", sql=True)
        assert "DROP TABLE parts" in capsys.readouterr().out
