"""A SQLite file as an ``encore.database.protocol.Database``: reader, writer, bulk connections.

A file that was replaced or deleted (``encore.database.sqlite.file``), is read-only or at an older
revision is not written to. It is still read, through the open connections: everything that was
acknowledged is in it until the service is restarted. Only a truncated file is not read, since that
would end the process. Writing goes on once the file is ready again.
"""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from copy import copy
from pathlib import Path

from sqlalchemy import Dialect, String, column, select, table

from encore.database.capabilities import SQLITE
from encore.database.errors import DatabaseNotReady, DatabaseUnavailable, InvalidStatement
from encore.database.sqlite.authors import TransactionAuthors
from encore.database.sqlite.bulk import SqliteBulk, SqliteBulkPool
from encore.database.sqlite.dialect import SqliteDialect
from encore.database.sqlite.error_mapping import translate
from encore.database.sqlite.file import error_symbol
from encore.database.sqlite.maintenance import Maintenance
from encore.database.sqlite.reader import Reader
from encore.database.sqlite.transaction_state import FAILURES
from encore.database.sqlite.writer import Transaction, Writer
from encore.database.startup import check_revision
from encore.database.statement import Statement


class SqliteDatabase:
    """A SQLite file, used by one process of the service."""

    def __init__(self, path: Path, *, outdated: Collection[str] = ()) -> None:
        self.dialect: Dialect = SqliteDialect(paramstyle="qmark")
        self.capabilities = SQLITE
        version = select(column("version_num", String)).select_from(table("alembic_version"))
        self._version = Statement(version, self.dialect)
        self._version.known = True  # So short that it never needs a thread, which may all be busy.
        self._path = path
        self._outdated = frozenset(outdated)
        self._reader: Reader | None = None
        self._writer: Writer | None = None
        self._bulks: SqliteBulkPool | None = None
        self._maintenance = Maintenance(path, self.check)
        self._unreadable: DatabaseNotReady | None = None
        self._authors = TransactionAuthors()

    async def open(self) -> None:
        """Connect reader and writer. Raises ``DatabaseUnavailable``."""
        try:
            if self._outdated:  # Opening would create an empty file, without a revision.
                self._path.stat()
            self._reader = Reader(self._path)
            self._writer = Writer(self._path, self._authors)
            self._bulks = SqliteBulkPool(self._path, self._writer, self.dialect)
        except OSError as error:
            raise DatabaseUnavailable(
                "the file cannot be opened", code=error_symbol(error)
            ) from error
        except FAILURES as error:
            raise translate(error) from error
        self._maintenance.start()

    async def close(self) -> None:
        """Finish the commit under way and disconnect."""
        await self._maintenance.stop()
        if self._bulks is not None:
            self._bulks.close()
        if self._writer is not None:
            await self._writer.close()
        if self._reader is not None:
            self._reader.close()
        self._reader = self._writer = self._bulks = None

    def reading(self) -> Reader:
        """Enter with a connection for reading only."""
        if self._reader is None:
            raise DatabaseUnavailable("not open")
        if self._unreadable is not None:
            raise copy(self._unreadable)
        return self._reader

    def writing(self, *, single: bool = False) -> Transaction:
        """Enter with a connection inside a new transaction."""
        if self._writer is None:
            raise DatabaseUnavailable("not open")
        del single  # A savepoint costs no round trip here.
        return self._writer.transaction()

    def bulk(self) -> AbstractAsyncContextManager[SqliteBulk]:
        """Enter with a connection for bulk work."""
        if self._bulks is None:
            raise DatabaseUnavailable("not open")
        return self._bulks.borrow()

    def record_authors(self) -> None:
        """Name the author of each transaction to the triggers of history tables."""
        self._authors.recorded = True

    async def check(self) -> None:
        """Check that the file can be read and accepts changes; see ``Database``."""
        if self._writer is None:
            raise DatabaseUnavailable("not open")
        file = self._writer.file
        try:
            file.check()
            check_revision(await self.revision(), self._outdated)
        except DatabaseNotReady as error:
            self._writer.write_error = copy(error)
            self._unreadable = copy(error) if file.truncated else None
            raise
        self._writer.write_error = None

    async def revision(self) -> str | None:
        """Return the Alembic revision of the file; None if Alembic has never migrated it."""
        try:
            row = await self.reading().fetch_one(self._version, ())
        except InvalidStatement:  # No such table.
            return None
        return None if row is None else str(row[0])
