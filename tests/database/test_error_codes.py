"""The error class for each error code of the databases."""

import errno
import sqlite3

import asyncpg
import pytest

from encore.database import errors
from encore.database.postgresql.error_mapping import translate as from_postgresql
from encore.database.sqlite.error_mapping import translate as from_sqlite

SQLSTATES: dict[type[errors.DatabaseError], str] = {
    errors.UniqueViolation: "23505",
    errors.ExclusionViolation: "23P01",
    errors.ForeignKeyViolation: "23001 23503",
    errors.NotNullViolation: "23502",
    errors.CheckViolation: "23514 44000",
    errors.InvalidData: (
        "22000 22001 22003 22007 22008 22012 22021 2202E 22023 22P02 22P03 22P05 2203G 54000 54001"
    ),
    errors.ChangeRejected: (
        "09000 0A000 20000 23000 27000 38000 38001 40002 428C9 P0000 P0001 P0002 P0003 P0004"
        " 45000 ZX001 PT409 72000"
    ),
    errors.ReadOnly: "42809 55000",
    errors.ReadOnlyDatabase: "25006",
    errors.PermissionDenied: "42501 0P000",
    errors.InvalidStatement: (
        "42P01 42703 42883 42601 42804 42P18 3F000 2200H 25P02 25001 26000 34000 39P01 2F005"
    ),
    errors.MultipleRows: "21000",
    errors.StatementTimeout: "57014",
    errors.StorageFull: "53100",
    errors.DatabaseUnavailable: (
        "08000 08006 28P01 3D000 40001 40003 40P01 53000 53200 53300 55006 55P03 57P01 57P02"
        " 57P03 57P05 58000 58030 F0000 HV000 XX000 XX001 XX002"
    ),
}

RESULT_CODES: dict[type[errors.DatabaseError], str] = {
    errors.UniqueViolation: "CONSTRAINT_UNIQUE CONSTRAINT_PRIMARYKEY CONSTRAINT_ROWID",
    errors.ForeignKeyViolation: "CONSTRAINT_FOREIGNKEY",
    errors.NotNullViolation: "CONSTRAINT_NOTNULL",
    errors.CheckViolation: "CONSTRAINT_CHECK",
    errors.InvalidData: "MISMATCH TOOBIG CONSTRAINT_DATATYPE",
    errors.ChangeRejected: "CONSTRAINT CONSTRAINT_TRIGGER CONSTRAINT_VTAB CONSTRAINT_FUNCTION",
    errors.ReadOnly: "READONLY",
    errors.ReadOnlyDatabase: "READONLY_DBMOVED READONLY_CANTLOCK READONLY_RECOVERY",
    errors.StorageFull: "FULL",
    errors.PermissionDenied: "AUTH AUTH_USER PERM",
    errors.InvalidStatement: "ERROR MISUSE RANGE INTERNAL",
    errors.StatementTimeout: "INTERRUPT",
    errors.DatabaseUnavailable: (
        "BUSY BUSY_SNAPSHOT LOCKED IOERR IOERR_FSYNC CANTOPEN CORRUPT NOTADB NOMEM PROTOCOL SCHEMA"
    ),
}

SQLITE_TEXTS: dict[str, type[errors.DatabaseError]] = {
    "no such table: parts": errors.InvalidStatement,
    "table parts has no column named x": errors.InvalidStatement,
    "cannot modify parts because it is a view": errors.ReadOnly,
    'cannot INSERT into generated column "x"': errors.ChangeRejected,
    'cannot UPDATE generated column "x"': errors.ChangeRejected,
    "integer overflow": errors.InvalidData,
    "malformed JSON": errors.InvalidData,
}


@pytest.mark.parametrize("kind", SQLSTATES)
def test_translate_sqlstate_by_code_or_class(kind: type[errors.DatabaseError]) -> None:
    for code in SQLSTATES[kind].split():
        message = {"S": "ERROR", "C": code, "M": "a secret text"}
        translated = from_postgresql(asyncpg.PostgresError.new(message))
        assert (code, type(translated), translated.code) == (code, kind, code)


@pytest.mark.parametrize("kind", RESULT_CODES)
def test_translate_sqlite_result_code_by_name(kind: type[errors.DatabaseError]) -> None:
    for code in RESULT_CODES[kind].split():
        error = sqlite3.OperationalError("a secret text")
        error.sqlite_errorname = f"SQLITE_{code}"
        translated = from_sqlite(error)
        assert (code, type(translated), translated.code) == (code, kind, f"SQLITE_{code}")


@pytest.mark.parametrize("text", SQLITE_TEXTS)
def test_translate_sqlite_error_without_code_by_message(text: str) -> None:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorname = "SQLITE_ERROR"
    translated = from_sqlite(error)
    assert type(translated) is SQLITE_TEXTS[text]
    if isinstance(translated, errors.ChangeRejected):
        assert translated.columns == ("x",)


def test_translate_driver_error_has_no_database_code() -> None:
    assert type(from_sqlite(OverflowError("too large"))) is errors.InvalidData
    assert type(from_sqlite(sqlite3.InterfaceError("bad type"))) is errors.InvalidData
    closed = from_sqlite(sqlite3.ProgrammingError("Cannot operate on a closed database."))
    assert (type(closed), closed.code) == (errors.DatabaseUnavailable, None)
    assert type(from_postgresql(OverflowError("too large"))) is errors.InvalidData
    assert type(from_postgresql(ConnectionResetError())) is errors.DatabaseUnavailable
    lost = from_postgresql(asyncpg.InterfaceError("connection is closed"))
    assert (type(lost), lost.code) == (errors.DatabaseUnavailable, "InterfaceError")
    stale = asyncpg.InvalidCachedStatementError("cached plan must not change result type")
    assert type(from_postgresql(stale)) is errors.DatabaseUnavailable


def test_translate_system_error_has_its_symbol() -> None:
    refused = from_postgresql(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"))
    assert (type(refused), refused.code) == (errors.DatabaseUnavailable, "ECONNREFUSED")
    assert from_postgresql(TimeoutError()).code == "ETIMEDOUT"
