"""The cause of an error in one word, and no text of it in the server's own log."""

import asyncio
import errno
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from fastapi import FastAPI

from encore.database.errors import DatabaseError
from encore.errors import ServiceUnavailable
from encore.http.application import Application
from encore.http.error_codes import error_code

SECRET = "/secret/path"


def test_cause_of_a_database_error_is_its_code() -> None:
    assert error_code(DatabaseError("SELECT 1", code="40001")) == "40001"


def test_cause_of_a_drivers_error_is_its_sqlstate_or_result_code() -> None:
    assert error_code(asyncpg.DiskFullError("x")) == "53100"
    with pytest.raises(sqlite3.OperationalError) as raised:
        sqlite3.connect("/nowhere/at/all")
    assert error_code(raised.value) == "SQLITE_CANTOPEN"


def test_cause_of_an_error_of_the_system_is_the_name_of_its_errno() -> None:
    assert error_code(OSError(errno.ENOSPC, "No space left", SECRET)) == "ENOSPC"


def test_cause_is_found_behind_the_error_that_was_raised_from_it() -> None:
    error = ServiceUnavailable()
    error.__cause__ = RuntimeError("x")
    error.__cause__.__context__ = OSError(errno.EMFILE, "x")
    assert error_code(error) == "EMFILE"


def test_cause_that_was_suppressed_or_has_no_name_is_none() -> None:
    error = RuntimeError("x")
    error.__context__, error.__suppress_context__ = OSError(errno.EIO, "x"), True
    assert error_code(error) is None
    assert error_code(None) is None


def failed_start(error: Exception) -> tuple[str, Exception | None]:
    """Start a service whose start fails; return what the server is told, and what it catches."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        raise error
        yield  # type: ignore[unreachable]  # It makes this a generator.

    async def run() -> tuple[str, Exception | None]:
        told: list[str] = []
        app = Application(
            access={}, lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None
        )

        async def receive() -> dict[str, str]:
            return {"type": "lifespan.startup"}

        async def send(message: object) -> None:
            assert isinstance(message, dict)
            told.append(message["message"])

        try:
            await app({"type": "lifespan", "state": {}}, receive, send)
        except Exception as raised:  # noqa: BLE001 - whatever the server would see
            return told[0], raised
        return told[0], None

    return asyncio.run(run())


def test_start_that_fails_by_the_system_tells_the_server_type_and_cause_alone() -> None:
    error = FileNotFoundError(errno.ENOENT, "No such file", str(Path(SECRET)))
    assert failed_start(error) == ("FileNotFoundError: ENOENT", None)


def test_start_that_fails_by_a_mistake_of_the_author_tells_the_server_its_text() -> None:
    told, raised = failed_start(ValueError("no such option"))
    assert "no such option" in told
    assert isinstance(raised, ValueError)
