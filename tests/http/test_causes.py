"""The code of an error for the log, and what the server logs of a failed startup."""

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


def test_error_code_of_a_database_error_is_its_code() -> None:
    assert error_code(DatabaseError("SELECT 1", code="40001")) == "40001"


def test_error_code_of_a_driver_error_is_its_sqlstate_or_result_code() -> None:
    assert error_code(asyncpg.DiskFullError("x")) == "53100"
    with pytest.raises(sqlite3.OperationalError) as raised:
        sqlite3.connect("/nowhere/at/all")
    assert error_code(raised.value) == "SQLITE_CANTOPEN"


def test_error_code_of_an_os_error_is_the_name_of_its_errno() -> None:
    assert error_code(OSError(errno.ENOSPC, "No space left", SECRET)) == "ENOSPC"


def test_error_code_is_found_in_the_chain_of_causes() -> None:
    error = ServiceUnavailable()
    error.__cause__ = RuntimeError("x")
    error.__cause__.__context__ = OSError(errno.EMFILE, "x")
    assert error_code(error) == "EMFILE"


def test_error_code_of_a_suppressed_or_missing_cause_is_none() -> None:
    error = RuntimeError("x")
    error.__context__, error.__suppress_context__ = OSError(errno.EIO, "x"), True
    assert error_code(error) is None
    assert error_code(None) is None


def failed_start(error: Exception) -> tuple[str, Exception | None]:
    """Run a failing startup; return the message sent to the server and the exception raised."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        raise error
        yield  # type: ignore[unreachable] # makes this function a generator

    async def run() -> tuple[str, Exception | None]:
        messages: list[str] = []
        app = Application(
            access={}, lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None
        )

        async def receive() -> dict[str, str]:
            return {"type": "lifespan.startup"}

        async def send(message: object) -> None:
            assert isinstance(message, dict)
            messages.append(message["message"])

        try:
            await app({"type": "lifespan", "state": {}}, receive, send)
        except Exception as raised:  # noqa: BLE001 - whatever the server would see
            return messages[0], raised
        return messages[0], None

    return asyncio.run(run())


def test_startup_failure_by_os_error_reports_type_and_code_only() -> None:
    error = FileNotFoundError(errno.ENOENT, "No such file", str(Path(SECRET)))
    assert failed_start(error) == ("FileNotFoundError: ENOENT", None)


def test_startup_failure_by_programming_error_reports_its_message() -> None:
    messages, raised = failed_start(ValueError("no such option"))
    assert "no such option" in messages
    assert isinstance(raised, ValueError)
