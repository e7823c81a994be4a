"""Dry runs: requests that are carried out and then rolled back (``dry_run=true``).

Everything runs, hooks included; deferred constraints are checked, as a commit would. The response
is the one that the request would have had, with ``Dry-Run: true``. The work that hooks have
registered for after the commit does not run.
"""

from typing import Final

from encore.database.capabilities import capabilities_of
from encore.database.errors import ForeignKeyViolation
from encore.database.expressions.deferred import deferred_checks
from encore.database.protocol import Connection, Database
from encore.database.statement import Row, Statement
from encore.execution.context import Response
from encore.execution.unit_of_work import UnitOfWork
from encore.models.fields import Fields

DRY_RUN_HEADER: Final = (b"dry-run", b"true")


class DryRuns:
    """Ends the dry runs of one resource.

    Args:
        fields: The fields of the resource.
        database: Its database.
    """

    def __init__(self, fields: Fields, database: Database) -> None:
        self._fields = fields
        self._database = database
        self._statements: list[Statement] | None = None

    async def end(self, unit: UnitOfWork, response: Response) -> Response:
        """Check deferred constraints and roll back; return the response with ``Dry-Run``.

        Raises:
            DatabaseError: A deferred constraint is violated. Nothing is rolled back yet.
        """
        if unit.has_begun:
            await self.check_deferred(await unit.connection())
        await unit.roll_back()
        return Response(response.status, [*response.headers, DRY_RUN_HEADER], response.body)

    async def check_deferred(self, connection: Connection) -> None:
        """Raise the ``DatabaseError`` that a commit would raise for a deferred constraint."""
        if self._statements is None:
            dialect = self._database.dialect
            capabilities = capabilities_of(dialect)
            checks = deferred_checks(self._fields.table.metadata, capabilities)
            self._statements = [Statement(check, dialect) for check in checks]
        for statement in self._statements:
            if violating := await connection.fetch_all(statement, ()):
                await self._raise_for_new(statement, violating)

    async def _raise_for_new(self, statement: Statement, violating: list[Row]) -> None:
        """Raise ``ForeignKeyViolation`` unless the committed rows violate the constraint too."""
        async with self._database.reading() as reading:
            stored = {tuple(row) for row in await reading.fetch_all(statement, ())}
        if not stored.issuperset(map(tuple, violating)):
            raise ForeignKeyViolation("a deferred foreign key is violated")
