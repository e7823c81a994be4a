"""A SQLite file that the seed's Node app wrote: adopted unchanged, with the same responses."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic import command

from tests.fixtures.databases import alembic_config
from tests.fixtures.system import System, start_system

pytestmark = pytest.mark.processes

# Exactly as Sequelize 6 writes it; from the seed's transcript.
CREATE = (
    "CREATE TABLE IF NOT EXISTS `parts` (`id` INTEGER PRIMARY KEY AUTOINCREMENT,"
    " `partNumber` VARCHAR(255), `modelNumber` VARCHAR(255), `name` VARCHAR(255),"
    " `description` TEXT, `createdAt` DATETIME NOT NULL, `updatedAt` DATETIME NOT NULL);"
)
INSERT = (
    "INSERT INTO `parts` (`id`,`partNumber`,`modelNumber`,`name`,`description`,`createdAt`,"
    "`updatedAt`) VALUES (?,?,?,?,?,?,?);"
)
NAMES = ("id", "partNumber", "modelNumber", "name", "description", "createdAt", "updatedAt")
SOUP = ("abc-123", "xyz-789", "Alphabet Soup", "Soup with letters and numbers in it")
ODD = [
    SOUP,
    ("1", "007", "1.0", "1e3"),
    (None, None, None, None),
    ("", "null", "[1]", "{}"),
    ("é", "中", "😀", 'line\nbreak \u2028 \x01 " \\ / </script>'),
]
LAST = 1000
FIRST_TIMESTAMP = datetime(2018, 8, 16, 2, 22, 9, tzinfo=UTC)

Row = tuple[Any, ...]


def timestamp_of(number: int) -> datetime:
    """Return the timestamp of a row; rows cover every millisecond of a second."""
    return FIRST_TIMESTAMP + timedelta(milliseconds=number % 1000, days=number)


def by_sequelize(when: datetime) -> str:
    """Return a timestamp in Sequelize's form on SQLite."""
    return f"{when:%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03} +00:00"


def by_express(when: datetime) -> str:
    """Return a timestamp in the form of ``JSON.stringify``."""
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"


def strings_of(number: int) -> Row:
    """Return the strings of a row; the first few are unusual."""
    return ODD[number - 1] if number <= len(ODD) else (None, str(number), f"part {number}", None)


def write_seed(path: Path) -> None:
    """Create the file; its last row was deleted, so its next id is two above the highest."""
    with closing(sqlite3.connect(path)) as file:
        file.execute(CREATE)
        for number in range(1, LAST + 2):
            dates = (by_sequelize(timestamp_of(number)), by_sequelize(timestamp_of(number + 1)))
            file.execute(INSERT, (number, *strings_of(number), *dates))
        file.execute("DELETE FROM `parts` WHERE `id` = ?", (LAST + 1,))
        file.commit()


def served_by_node(number: int) -> dict[str, Any]:
    """Return the row as the Node app served it."""
    dates = (by_express(timestamp_of(number)), by_express(timestamp_of(number + 1)))
    return dict(zip(NAMES, (number, *strings_of(number), *dates), strict=True))


def rows_in(path: Path) -> list[Row]:
    """Return all rows of the parts table."""
    with closing(sqlite3.connect(path)) as file:
        return file.execute("SELECT * FROM parts ORDER BY id").fetchall()


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Return a service that adopted the file."""
    directory = tmp_path_factory.mktemp("adopted")
    write_seed(directory / "dev.sqlite")
    system = start_system(directory, LOG_LEVEL="warning")
    yield system
    system.stop()


@pytest.fixture
def client(adopted: System) -> httpx.Client:
    """Return an authorised client of the service."""
    return adopted.client


def test_json_equals_the_node_apps_byte_for_byte(client: httpx.Client) -> None:
    response = client.get("/parts", params={"count": 1000})
    expected = [served_by_node(number) for number in range(1, LAST + 1)]
    assert response.headers["content-range"] == f"items 0-{LAST - 1}/{LAST}"
    assert response.json() == expected
    assert response.text == json.dumps(expected, ensure_ascii=False, separators=(",", ":"))
    assert client.get("/parts/1").json() == {
        "id": 1,
        "partNumber": "abc-123",
        "modelNumber": "xyz-789",
        "name": "Alphabet Soup",
        "description": "Soup with letters and numbers in it",
        "createdAt": "2018-08-17T02:22:09.001Z",
        "updatedAt": "2018-08-18T02:22:09.002Z",
    }


def test_old_rows_are_found_by_string_and_timestamp(client: httpx.Client) -> None:
    for query, ids in [
        ({"modelNumber": "007"}, [2]),
        ({"modelNumber": "7"}, [7]),
        ({"partNumber": "1"}, [2]),
        ({"q": "alphabet"}, [1]),
        ({"name": "null", "count": "1"}, [3]),
        ({"createdAt": by_express(timestamp_of(446))}, [446]),
        ({"createdAt": by_sequelize(timestamp_of(446))}, [446]),
        ({"createdAt": by_express(timestamp_of(446))[:-1] + "+00:00"}, [446]),
    ]:
        response = client.get("/parts", params=query)
        assert [row["id"] for row in response.json()] == ids, query


def test_old_and_new_rows_sort_and_filter_together(client: httpx.Client) -> None:
    new = client.post("/parts", json={"name": SOUP[2]}).json()
    changed = client.put("/parts/7", json={"name": SOUP[2]}).json()
    assert changed["createdAt"] == by_express(timestamp_of(7))
    same = client.get("/parts", params={"name": SOUP[2], "sort": "createdAt"}).json()
    assert [row["id"] for row in same] == [1, 7, new["id"]]
    latest = client.get("/parts", params={"sort": "-updatedAt,-id", "count": 3}).json()
    assert [row["id"] for row in latest] == [7, new["id"], LAST]
    first = client.get("/parts", params={"sort": "createdAt", "count": 3}).json()
    assert [row["id"] for row in first] == [1, 2, 3]


def test_id_deleted_before_the_migration_is_not_reused(
    client: httpx.Client,
) -> None:
    row = client.post("/parts", json={"name": None}).json()
    assert row["id"] > LAST + 1
    client.delete(f"/parts/{row['id']}")
    assert client.post("/parts", json={"name": None}).json()["id"] > row["id"]


def test_downgrade_restores_the_file_and_upgrade_repeats(tmp_path: Path) -> None:
    path = tmp_path / "seed.sqlite"
    write_seed(path)
    before = rows_in(path)
    config = alembic_config(f"sqlite:///{path}")
    command.upgrade(config, "head")
    command.check(config)
    adopted = rows_in(path)
    assert adopted[445][5] == by_express(timestamp_of(446))
    with closing(sqlite3.connect(path)) as file:
        file.execute(INSERT, (None, *SOUP, "2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"))
        file.commit()
    command.downgrade(config, "a1c0de5eed01")
    after = rows_in(path)
    assert after[:-1] == before
    assert after[-1] == (LAST + 2, *SOUP, *["2026-01-02 03:04:05.678 +00:00"] * 2)
    with closing(sqlite3.connect(path)) as file:
        (sql,) = file.execute("SELECT sql FROM sqlite_master WHERE name = 'parts'").fetchone()
    assert sql == CREATE.replace("IF NOT EXISTS ", "").rstrip(";")
    command.upgrade(config, "head")
    assert rows_in(path)[:-1] == adopted


@pytest.mark.parametrize(
    ("written", "adopted"),
    [
        ("2018-08-16 04:22:09.446 +02:00", "2018-08-16T02:22:09.446Z"),
        ("2018-12-31 23:30:00.999 -01:00", "2019-01-01T00:30:00.999Z"),
        ("1969-12-31 23:59:59.999 +00:00", "1969-12-31T23:59:59.999Z"),
        ("2018-08-16 02:22:09", "2018-08-16T02:22:09.000Z"),
        ("2018-08-16T02:22:09.446Z", "2018-08-16T02:22:09.446Z"),
    ],
)
def test_dates_of_other_offsets_and_forms_become_the_same_timestamps(
    tmp_path: Path, written: str, adopted: str
) -> None:
    path = tmp_path / "seed.sqlite"
    with closing(sqlite3.connect(path)) as file:
        file.execute(CREATE)
        file.execute(INSERT, (1, *SOUP, written, written))
        file.commit()
    command.upgrade(alembic_config(f"sqlite:///{path}"), "head")
    assert rows_in(path) == [(1, *SOUP, adopted, adopted)]


def test_invalid_date_is_rejected_with_its_row_and_nothing_is_changed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "seed.sqlite"
    with closing(sqlite3.connect(path)) as file:
        file.execute(CREATE)
        for number, date in ((1, by_sequelize(timestamp_of(1))), (2, "yesterday")):
            file.execute(INSERT, (number, *SOUP, date, date))
        file.commit()
    before = rows_in(path)
    with pytest.raises(RuntimeError, match="row 2 has a date"):
        command.upgrade(alembic_config(f"sqlite:///{path}"), "head")
    assert rows_in(path) == before


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (CREATE.replace("`name` VARCHAR(255),", ""), "lacks the columns name"),
        (CREATE.replace("`partNumber`", "`part_number`"), "lacks the columns partNumber"),
        (CREATE.replace("`id` INTEGER PRIMARY KEY AUTOINCREMENT", "`id` TEXT PRIMARY KEY"), "id"),
        (CREATE.replace(" PRIMARY KEY AUTOINCREMENT", ""), "primary key"),
        (CREATE.replace(" AUTOINCREMENT", ""), "AUTOINCREMENT"),
        (CREATE.replace("`createdAt` DATETIME", "`createdAt` INTEGER"), "createdAt"),
        (CREATE.replace("`name` VARCHAR(255)", "`name` BLOB"), "name"),
        (CREATE.replace("`name`", "`colour` TEXT NOT NULL, `name`"), "colour"),
    ],
)
def test_table_of_another_schema_is_rejected_and_unchanged(
    tmp_path: Path, shape: str, reason: str
) -> None:
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as file:
        file.execute(shape)
        file.commit()
    with pytest.raises(RuntimeError, match=reason):
        command.upgrade(alembic_config(f"sqlite:///{path}"), "head")
    with closing(sqlite3.connect(path)) as file:
        tables = {name for (name,) in file.execute("SELECT name FROM sqlite_master")}
    assert "alembic_version" not in tables


def test_additional_nullable_column_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "wider.sqlite"
    with closing(sqlite3.connect(path)) as file:
        file.execute(CREATE.replace("`name`", "`colour` TEXT, `name`"))
        file.commit()
    command.upgrade(alembic_config(f"sqlite:///{path}"), "head")
    with closing(sqlite3.connect(path)) as file:
        file.execute("SELECT colour FROM parts")
