"""A SQLite file as a ``encore.database.protocol.Database``: a reader, a writer, bulk connections.

A file that is not the database any more (``encore.database.sqlite.file``), is read-only or at an
older revision is not written to. It is read all the same, from what is open: all that was
acknowledged is there until the service is restarted. Only a truncated file is not read, since that
would end the process. Writing goes on once the file is ready again.
"""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from copy import copy
from pathlib import Path

from sqlalchemy import Dialect, String, column, select, table

from encore.database.capabilities import SQLITE
from encore.database.errors import DatabaseNotReady, DatabaseUnavailable, InvalidStatement
from encore.database.sqlite.bulk import SqliteBulk, SqliteBulks
from encore.database.sqlite.dialect import SqliteDialect
from encore.database.sqlite.error_mapping import translate
from encore.database.sqlite.file import name_of
from encore.database.sqlite.maintenance import Maintenance
from encore.database.sqlite.reader import Reader
from encore.database.sqlite.transaction_state import FAILURES
from encore.database.sqlite.writer import Transaction, Writer
from encore.database.startup import check_revision
from encore.database.statement import Statement


class SqliteDatabase:
    """One file, used by one process of this service."""

    def __init__(self, path: Path, *, outdated: Collection[str] = ()) -> None:
        self.dialect: Dialect = SqliteDialect(paramstyle="qmark")
        self.capabilities = SQLITE
        version = select(column("version_num", String)).select_from(table("alembic_version"))
        self._version = Statement(version, self.dialect)
        self._version.known = True  # Short enough to wait for no thread, however many are busy.
        self._path = path
        self._outdated = frozenset(outdated)
        self._reader: Reader | None = None
        self._writer: Writer | None = None
        self._bulks: SqliteBulks | None = None
        self._maintenance = Maintenance(path, self.check)
        self._unreadable: DatabaseNotReady | None = None

    async def open(self) -> None:
        """Connect reader and writer. Raises ``DatabaseUnavailable``."""
        try:
            if self._outdated:  # The empty file that opening would make is at no revision.
                self._path.stat()
            self._reader = Reader(self._path)
            self._writer = Writer(self._path)
            self._bulks = SqliteBulks(self._path, self._writer, self.dialect)
        except OSError as error:
            raise DatabaseUnavailable("the file cannot be opened", code=name_of(error)) from error
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
        """Enter with a connection inside a transaction of its own."""
        if self._writer is None:
            raise DatabaseUnavailable("not open")
        del single  # A savepoint costs no round trip here, and also undoes what follows it.
        return self._writer.transaction()

    def bulk(self) -> AbstractAsyncContextManager[SqliteBulk]:
        """Enter with a connection for bulk work."""
        if self._bulks is None:
            raise DatabaseUnavailable("not open")
        return self._bulks.borrow()

    async def check(self) -> None:
        """Check that the file can be read and accepts changes; see ``Database``."""
        if self._writer is None:
            raise DatabaseUnavailable("not open")
        file = self._writer.file
        try:
            file.check()
            check_revision(await self.revision(), self._outdated)
        except DatabaseNotReady as error:
            self._writer.refusal = copy(error)
            self._unreadable = copy(error) if file.truncated else None
            raise
        self._writer.refusal = None

    async def revision(self) -> str | None:
        """Give the Alembic revision of the file; None if Alembic has never seen it."""
        try:
            row = await self.reading().fetch_one(self._version, ())
        except InvalidStatement:  # No such table.
            return None
        return None if row is None else str(row[0])
