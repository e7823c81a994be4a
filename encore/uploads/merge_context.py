"""The merge as hooks see it: the rows on the stage, inside the transaction that will write them."""

from sqlalchemy import ColumnElement, Dialect
from sqlalchemy.sql import ClauseElement

from encore.database.protocol import BulkConnection
from encore.database.statement import Row, Statement, Values
from encore.uploads.context import UploadContext
from encore.uploads.staging_table import StagingTable
from encore.uploads.statements import UploadStatements


class MergeContext:
    """One upload's merge.

    Args:
        statements: The upload's.
        dialect: What hooks' own statements are compiled for.

    Attributes:
        context: The upload.
        connection: Inside the transaction.
        stage: The rows: new ones have the status ``created`` already.
    """

    def __init__(
        self,
        context: UploadContext,
        connection: BulkConnection,
        stage: StagingTable,
        statements: UploadStatements,
        dialect: Dialect,
    ) -> None:
        self.context = context
        self.connection = connection
        self.stage = stage
        self._statements = statements
        self._dialect = dialect

    async def execute(self, clause: ClauseElement, values: Values = ()) -> int:
        """Run a statement of a hook's own; tell how many rows it changed."""
        return await self.connection.execute(self._compiled(clause), values)

    async def fetch_all(self, clause: ClauseElement, values: Values = ()) -> list[Row]:
        """Run a statement of a hook's own; give its rows."""
        return await self.connection.fetch_all(self._compiled(clause), values)

    async def reject(
        self, condition: ColumnElement[bool], field: str, message: str | ColumnElement[str]
    ) -> int:
        """Reject the rows, not rejected yet, for which the condition holds.

        Args:
            condition: In terms of the stage and, maybe, other tables.
            field: What is wrong.
            message: The whole text, or an SQL expression that gives it.

        Returns:
            How many.
        """
        return await self.execute(self._statements.rejecting(condition, field, message))

    def _compiled(self, clause: ClauseElement) -> Statement:
        return Statement(clause, self._dialect)
