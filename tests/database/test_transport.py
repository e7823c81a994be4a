"""Whether a URL's database may be reached over a network without TLS."""

import pytest
import sqlalchemy as sa

from encore.database.engine import with_connection
from encore.database.transport import is_exposed

MODES = ("verify-full", "verify-ca", "require")
LOCAL = (
    "sqlite:///dev.sqlite",
    "postgresql:///name",
    "postgresql://user:secret@localhost/name",
    "postgresql://localhost:5433/name",
    "postgresql://127.0.0.1/name",
    "postgresql://127.9.9.9/name",
    "postgresql://[::1]:5432/name",
    "postgresql://%2Frun%2Fpostgresql/name",
    "postgresql:///name?host=/run/postgresql",
    "postgresql:///name?host=localhost:5432,127.0.0.1:5433",
)
REMOTE = (
    "postgresql://db/name",
    "postgresql://user:secret@db.example:5432/name",
    "postgresql://192.168.0.2/name",
    "postgresql://[fd00::1]/name",
    "postgresql://localhost.example/name",
    "postgresql://127.0.0.1.example/name",
    "postgresql:///name?host=db.example",
    "postgresql:///name?host=localhost,db.example",
    "postgresql:///name?service=main",
)


@pytest.mark.parametrize("url", LOCAL)
def test_database_of_this_machine_is_not_exposed(url: str) -> None:
    assert not is_exposed(url, {})


@pytest.mark.parametrize("url", REMOTE)
def test_database_of_another_machine_is_exposed_without_required_tls(url: str) -> None:
    separator = "&" if "?" in url else "?"
    assert is_exposed(url, {})
    for lax in ("disable", "allow", "prefer", "REQUIRE", "on"):
        assert is_exposed(f"{url}{separator}sslmode={lax}", {})
    assert is_exposed(f"{url}{separator}ssl=require", {})  # asyncpg does not read it.
    assert is_exposed(f"{url}{separator}sslmode=require&sslmode=disable", {})
    for mode in MODES:
        assert not is_exposed(f"{url}{separator}sslmode={mode}", {})


def test_environment_completes_the_url_as_for_asyncpg() -> None:
    local, remote = "postgresql:///name", "postgresql://db/name"
    assert is_exposed(local, {"PGHOST": "db.example"})
    assert not is_exposed(local, {"PGHOST": "/run/postgresql"})
    assert is_exposed(local, {"PGSERVICE": "main"})
    assert not is_exposed(remote, {"PGSSLMODE": "verify-full"})
    assert is_exposed(f"{remote}?sslmode=prefer", {"PGSSLMODE": "verify-full"})


def test_migration_connects_by_the_parameters_of_asyncpg(postgres_url: str) -> None:
    versions: list[str] = []

    def read(connection: sa.Connection) -> None:
        versions.append(connection.execute(sa.text("SELECT version()")).scalar_one())

    separator = "&" if "?" in postgres_url else "?"
    with_connection(f"{postgres_url}{separator}sslmode=disable", read)
    assert versions[0].startswith("PostgreSQL")
