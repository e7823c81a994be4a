"""The hooks of an upload and what they receive: the upload, each row, the merge."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Dialect
from sqlalchemy.sql import ClauseElement

from encore.database.protocol import BulkConnection
from encore.database.statement import Row, Statement, Values
from encore.http.request_state import RequestState
from encore.uploads.request import UploadRequest
from encore.uploads.staging_table import StagingTable
from encore.uploads.statements import UploadStatements
from encore.validation.body import Attributes, ValidationErrors

if TYPE_CHECKING:
    from encore.execution.resource import Resource


@dataclass(slots=True)
class UploadContext:
    """One run of an upload.

    Attributes:
        resource: Whose rows they are.
        state: Who calls.
        request: What the caller asks for.
        options: Anything that hooks hand on to later hooks.
        written: What has been committed, for the refusal of an upload that fails behind it.
    """

    resource: "Resource"
    state: RequestState
    request: UploadRequest
    options: dict[str, Any] = field(default_factory=dict)
    written: str = ""

    @property
    def claims(self) -> Mapping[str, Any]:
        """The verified claims of the token."""
        return self.state.claims


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


class UploadedRow:
    """One row of an upload, as the row hook sees it.

    Attributes:
        context: The upload that it belongs to.
        line: Where it stands in the body.
        attributes: Python values under the model's attribute names: what the caller gave of what
            callers may write. The hook may set any attribute.
        errors: Collects what is wrong; a row with errors is rejected.
    """

    __slots__ = ("attributes", "context", "errors", "line")

    def __init__(
        self, context: UploadContext, line: int, attributes: Attributes, errors: ValidationErrors
    ) -> None:
        self.context = context
        self.line = line
        self.attributes = attributes
        self.errors = errors


RowHook = Callable[[UploadedRow], None]
StartHook = Callable[[UploadContext], None]
MergeHook = Callable[[MergeContext], Awaitable[None]]
MessageHook = Callable[[str, Any], str]


class UploadHooks:
    """Registers hooks; each method works as a decorator."""

    def __init__(self) -> None:
        self.starts: list[StartHook] = []
        self.rows: list[RowHook] = []
        self.judges: list[MergeHook] = []
        self.before_writes: list[MergeHook] = []
        self.writtens: list[MergeHook] = []
        self.worded: MessageHook | None = None

    def start(self, hook: StartHook) -> StartHook:
        """Run before the body is read; may leave things in ``context.options``, or refuse."""
        self.starts.append(hook)
        return hook

    def row(self, hook: RowHook) -> RowHook:
        """Complete and judge each row by itself: in the worker thread, so without the database."""
        self.rows.append(hook)
        return hook

    def judge(self, hook: MergeHook) -> MergeHook:
        """Judge all rows together, once it is known which are new; reject some of them.

        It runs in dry runs too, and must change nothing but the stage.
        """
        self.judges.append(hook)
        return hook

    def before_write(self, hook: MergeHook) -> MergeHook:
        """Run in the transaction, ids being given and nothing written yet."""
        self.before_writes.append(hook)
        return hook

    def written(self, hook: MergeHook) -> MergeHook:
        """Run in the transaction, behind the writing."""
        self.writtens.append(hook)
        return hook

    def message(self, hook: MessageHook) -> MessageHook:
        """Word the answer to a single row, from its status and its record."""
        self.worded = hook
        return hook

    def each_row(self) -> RowHook:
        """Give one function that runs all hooks of a row."""
        match self.rows:
            case [only]:
                return only
            case hooks:
                return lambda row: _run_all(tuple(hooks), row)


def _run_all(hooks: tuple[RowHook, ...], row: UploadedRow) -> None:
    for hook in hooks:
        hook(row)
