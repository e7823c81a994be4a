"""The hooks of an upload and what they receive: the upload, each row, the merge."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Dialect, text
from sqlalchemy.sql import ClauseElement

from encore.database.protocol import BulkConnection
from encore.database.statement import Row, Statement, Values
from encore.http.principal import Principal
from encore.http.request_state import RequestState
from encore.uploads.match_statements import reject_rows
from encore.uploads.parameters import UploadParameter, UploadParameters
from encore.uploads.request import UploadRequest
from encore.uploads.staging_table import StagingTable
from encore.validation.body import Attributes, ValidationErrors

if TYPE_CHECKING:
    from encore.execution.resource import Resource


@dataclass(slots=True)
class UploadContext:
    """The context of one upload, which all its hooks share.

    Attributes:
        resource: The resource of the rows.
        state: The state of the HTTP request: caller, claims, request id.
        request: The parameters of the upload.
        options: Values that hooks pass to later hooks.
        report: Values of the members that the upload declares (``report_member``), which are added
            to the report. The response to one JSON object has no report.
        is_single: Whether the body is one JSON object.
        committed: What has been committed, as the error of an upload that fails later says it.
    """

    resource: "Resource"
    state: RequestState
    request: UploadRequest
    options: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    is_single: bool = False
    committed: str = ""

    @property
    def claims(self) -> Mapping[str, Any]:
        """The verified claims of the token."""
        return self.state.claims

    @property
    def principal(self) -> Principal:
        """The user or the client that calls. Raise ``Forbidden`` if the claims identify neither."""
        return self.state.principal


class UploadedRow:
    """One row of an upload, as ``validate_row`` hooks receive it.

    Attributes:
        context: The upload.
        line: The position of the row in the body.
        attributes: Python values by the model's attribute names: those that the caller sent for
            writable fields. Hooks may set any attribute.
        previous_key: Python values by attribute name, of the previous key that the caller sent.
        errors: The validation errors; a row with errors is rejected.
        flags: Names of ``row_flags`` that hooks set for this row, for the hooks that see all rows
            in SQL (``StagingTable.has_flag``).
    """

    __slots__ = ("attributes", "context", "errors", "flags", "line", "previous_key")

    def __init__(
        self, context: UploadContext, line: int, attributes: Attributes, errors: ValidationErrors
    ) -> None:
        self.previous_key: Attributes = {}
        self.context = context
        self.line = line
        self.attributes = attributes
        self.errors = errors
        self.flags: tuple[str, ...] = ()


class MergeContext:
    """The merge of one upload into the table, as hooks receive it: inside the transaction.

    Args:
        dialect: The dialect that the statements of hooks are compiled for.

    Attributes:
        context: The upload.
        connection: The database connection, inside the transaction.
        staging: The table of uploaded rows; new ones have the status ``created`` already.
        has_changes: For ``before_compare`` hooks, whether any row differs from its stored row.
    """

    def __init__(
        self,
        context: UploadContext,
        connection: BulkConnection,
        staging: StagingTable,
        dialect: Dialect,
    ) -> None:
        self.context = context
        self.connection = connection
        self.staging = staging
        self.has_changes = False
        self._dialect = dialect

    async def execute(self, clause: ClauseElement, values: Values = ()) -> int:
        """Execute a statement; return the number of rows that it changed."""
        return await self.connection.execute(Statement(clause, self._dialect), values)

    async def fetch_all(self, clause: ClauseElement, values: Values = ()) -> list[Row]:
        """Execute a statement; return its rows."""
        return await self.connection.fetch_all(Statement(clause, self._dialect), values)

    async def index_ids(self) -> None:
        """Create an index over ``staging.id``, once an upload.

        For hooks whose conditions look up the row of each stored row: without it, the database may
        read all uploaded rows for each.
        """
        format_ = self._dialect.identifier_preparer
        table, column = (
            format_.format_table(self.staging.table),
            format_.quote(self.staging.id.name),
        )
        await self.execute(text(f"CREATE INDEX uploaded_ids ON {table} ({column})"))

    async def reject(
        self, condition: ColumnElement[bool], field: str, message: str | ColumnElement[str]
    ) -> int:
        """Reject the rows for which a condition holds; rows rejected already keep their errors.

        Args:
            condition: A condition on the staging table and, optionally, other tables.
            field: The name of the invalid field.
            message: The whole message, or an SQL expression of it.

        Returns:
            The number of rows.
        """
        return await self.execute(reject_rows(self.staging, condition, field, message))


BeforeReadHook = Callable[[UploadContext], None]
RowHook = Callable[[UploadedRow], None]
MergeHook = Callable[[MergeContext], Awaitable[None]]
MessageHook = Callable[[str, Any], str]


class UploadHooks:
    """Registers the hooks of an upload, and what they add to its request and its report.

    Attributes:
        parameters: The query parameters.
        report_members: The JSON schemas of the members that hooks add to the report, by name.
    """

    def __init__(self) -> None:
        self.parameters = UploadParameters()
        self.report_members: dict[str, Mapping[str, Any]] = {}
        self.before_read_hooks: list[BeforeReadHook] = []
        self.row_hooks: list[RowHook] = []
        self.before_compare_hooks: list[MergeHook] = []
        self.merge_hooks: list[MergeHook] = []
        self.before_write_hooks: list[MergeHook] = []
        self.after_write_hooks: list[MergeHook] = []
        self.message_hook: MessageHook | None = None

    def parameter(
        self,
        name: str,
        parse: Callable[[str], Any],
        *,
        description: str,
        schema: Mapping[str, Any],
    ) -> None:
        """Declare a query parameter; hooks find its value in ``context.request.parameters``.

        Args:
            name: The name.
            parse: Returns the value of a string. Raises ``ValueError`` with what the parameter must
                be: ``must be a day``. A request without it has the value None.
            description: What it does, for OpenAPI.
            schema: The JSON schema of the string, for OpenAPI.

        Raises:
            ValueError: The upload has a parameter of this name.
        """
        self.parameters.declare(UploadParameter(name, parse, description, schema))

    def report_member(self, name: str, schema: Mapping[str, Any]) -> None:
        """Declare a member that hooks add to the report, by ``context.report[name]``."""
        self.report_members[name] = schema

    def before_read(self, hook: BeforeReadHook) -> BeforeReadHook:
        """Run before the body is read; may set ``context.options``, or raise an API error."""
        self.before_read_hooks.append(hook)
        return hook

    def validate_row(self, hook: RowHook) -> RowHook:
        """Complete and validate each row, in a worker thread without access to the database."""
        self.row_hooks.append(hook)
        return hook

    def before_compare(self, hook: MergeHook) -> MergeHook:
        """Run in the transaction, when rows are matched, before those that differ are compared.

        The rows that differ from their stored row have the status ``updated``, and ``staging.id``
        is the id of the stored row; ``merge.has_changes`` says whether there are any. The hook may
        set their staged values, for example to those of the stored row, by an UPDATE of the
        staging table; then they are compared (again), and may become ``unchanged``. Values of
        fields that a row does not contain are not compared. Rows that are ``unchanged`` stay so.
        It also runs in dry runs, and must change the staging table only.
        """
        self.before_compare_hooks.append(hook)
        return hook

    def validate_merge(self, hook: MergeHook) -> MergeHook:
        """Validate all rows together in SQL, when it is known which are new; may reject rows.

        It also runs in dry runs, and must change the staging table only.
        """
        self.merge_hooks.append(hook)
        return hook

    def before_write(self, hook: MergeHook) -> MergeHook:
        """Run in the transaction, when new rows have ids and before any row is written."""
        self.before_write_hooks.append(hook)
        return hook

    def after_write(self, hook: MergeHook) -> MergeHook:
        """Run in the transaction, after the rows are written."""
        self.after_write_hooks.append(hook)
        return hook

    def message(self, hook: MessageHook) -> MessageHook:
        """Return the message of the response to a single row, from its status and its record."""
        self.message_hook = hook
        return hook

    def combined_row_hook(self) -> RowHook:
        """Return one function that runs all ``validate_row`` hooks."""
        hooks = tuple(self.row_hooks)

        def run_hooks(row: UploadedRow) -> None:
            for hook in hooks:
                hook(row)

        return hooks[0] if len(hooks) == 1 else run_hooks
