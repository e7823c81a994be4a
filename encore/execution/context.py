"""The context of a request: what the steps and hooks of its action pass to each other.

The names are Finale's where Finale has them.
"""

import warnings
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.orm import Session
from starlette.types import Scope

from encore.database.protocol import Connection
from encore.errors import ApiError, HookError, UnknownAttribute
from encore.execution.attribute_values import AttributeValues
from encore.execution.criteria import Criteria
from encore.execution.key_lookup import KeyLookup, resolve_key
from encore.execution.unit_of_work import UnitOfWork
from encore.http.preconditions import Preconditions
from encore.http.principal import Principal
from encore.http.request_state import RequestState
from encore.idempotency.run import IdempotentRun
from encore.query import ListQuery
from encore.sql.past import PastConnection
from encore.validation.body import Attributes

if TYPE_CHECKING:
    from encore.execution.related_write import RelatedWrite
    from encore.execution.stored_row import StoredRow
    from encore.models.fields import Field
    from encore.resource.definition import ResourceDefinition
    from encore.sql.past import PastReads
    from encore.validation.body import ValidationErrors
    from encore.validation.nested import NestedBody

Headers = list[tuple[bytes, bytes]]
T = TypeVar("T")


@dataclass(slots=True)
class Response:
    """A complete response.

    Attributes:
        status: The HTTP status.
        headers: Pairs of a lower-case name and a value; ``content-length`` is added on sending.
        body: The bytes.
    """

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class UndecidedBody:
    """A body that cannot be validated before the stored row is read.

    Attributes:
        fields: The fields whose strings may be the text that a GET shows of a stored value that
            does not fit its column.
        errors: The errors of the body so far.
    """

    fields: "Sequence[Field]"
    errors: "ValidationErrors"


@dataclass(slots=True)
class Context:
    """One run of one action.

    Attributes:
        resource: The resource of the action.
        action: The action's name.
        scope: The ASGI scope of the request.
        unit: The unit of work: the request's one transaction.
        finds_by_key: Whether the action finds one row by its key.
        has_hooks: Whether hooks run.
        key_values: The driver values that ``key`` returns.
        key_lookup: How the row is found, if a hook chose another key than the path's.
        query: The parsed query of a list, or of an action on one row.
        undecided: What of a change cannot be validated before the stored row is read.
        request_body: The decoded body of a create or an update. Hooks find members here that are
            not fields, or not writable by clients. Changes by hooks of ``start`` and ``auth`` are
            validated.
        nested: The related rows that the body contains.
        read_only: The names of members that the body contains but that are not written; their
            values must be unchanged.
        stored_row: The row before the update, if the body must be compared with it.
        related_write: The related row that is being written, so that errors can name its fields.
        added_criteria: The criteria; None until a hook adds some.
        past: How the action reads past rows; None for the present.
        instance: The row, or the rows, as records; ``{}`` after a delete.
        deleted_instance: The row that was deleted.
        rows: The rows of ``instance`` as the database returned them.
        total: How many rows the whole list has; None if that is not known.
        is_uncounted: Whether ``Content-Range`` leaves the total open: ``items 0-99/*``.
        link: The value of ``Link``, which names other pages of the list.
        count: The page's size; if a hook sets it, it overrides the query's. The same applies to:
        offset: How many rows come before the page.
        page: The number of the page, from 0; adds to the offset.
        shallow: Whether to embed no relation except those that ``?children=a|b`` names.
        options: Anything that hooks pass to later hooks.
        status: The status of the response.
        headers: The headers of the response.
        body: The bytes of the response, after the send stage.
        error: The error that ended the run, for hooks of ``complete``.
        is_dry_run: Whether everything is rolled back at the end (``dry_run=true``). A hook must not
            act outside the database then; the work of ``after_commit`` does not run.
        representation: The body that the action itself has made; None if it has made none.
        rows_found: Whether the rows are found, so that neither key nor criteria can change them.
        idempotent_run: The run of a request with an idempotency key; None without one.
        preconditions: The preconditions of the request; None if it neither has nor needs any.
        judged: What selected the row that the preconditions were compared with.
    """

    resource: "ResourceDefinition"
    action: str
    scope: Scope
    unit: UnitOfWork
    finds_by_key: bool = False
    has_hooks: bool = False
    key_values: tuple[Any, ...] = ()
    key_lookup: KeyLookup | None = None
    query: ListQuery | None = None
    undecided: UndecidedBody | None = None
    request_body: dict[str, Any] = field(default_factory=dict)
    nested: "list[NestedBody]" = field(default_factory=list)
    read_only: tuple[str, ...] = ()
    stored_row: "StoredRow | None" = None
    related_write: "RelatedWrite | None" = None
    added_criteria: Criteria | None = None
    past: "PastReads | None" = None
    instance: Any = None
    deleted_instance: Any = None
    rows: Any = ()
    total: int | None = None
    is_uncounted: bool = False
    link: bytes | None = None
    count: int | None = None
    offset: int | None = None
    page: int | None = None
    shallow: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    error: ApiError | None = None
    rows_found: bool = False
    is_dry_run: bool = False
    representation: bytes | None = None
    idempotent_run: IdempotentRun | None = None
    preconditions: Preconditions | None = None
    judged: tuple[Any, ...] | None = None
    _attributes: Attributes | None = field(default=None, init=False)
    _add_to_children: MutableMapping[str, Any] | None = field(default=None, init=False)
    _include: Collection[str] | None = field(default=None, init=False)

    @property
    def path_params(self) -> Mapping[str, str]:
        """The decoded strings of the path's parameters, before validation."""
        params: Mapping[str, str] = self.scope["path_params"]
        return params

    @property
    def given(self) -> dict[str, Any]:
        """Deprecated: the former name of ``request_body``."""
        warnings.warn("use context.request_body", DeprecationWarning, stacklevel=2)
        return self.request_body

    @property
    def list_query(self) -> ListQuery:
        """The parsed query of a list.

        Raises:
            HookError: A hook has removed it.
        """
        if self.query is None:
            raise HookError(f"resource {self.resource.name}: query must not be None in a list")
        return self.query

    @property
    def key(self) -> tuple[Any, ...]:
        """The key that finds the row: driver values in the path's order, from ``fetch`` on.

        A hook may set another complete unique key, as Python values under the model's names:
        ``context.key = {"email": "ada@example.com"}``. If the hook is one of ``start`` or ``auth``
        the path is not parsed, so ``/users/me`` can mean the caller. The values are in the fields'
        order then. A nested row must belong to the path's parent nevertheless.

        Raises:
            HookError: On setting: the value is not a complete unique key, the action does not find
                a row by key, or the row is found already.
        """
        return self.key_values

    @key.setter
    def key(self, key: Mapping[str, Any]) -> None:
        if not self.finds_by_key:
            message = f"{self.action} does not find a row by key"
            raise HookError(f"resource {self.resource.name}: {message}")
        if self.rows_found:
            raise HookError(f"resource {self.resource.name}: key: the row is found already")
        self.key_lookup = resolve_key(self.resource, key, self.scope)
        self.key_values = self.key_lookup.values

    @property
    def criteria(self) -> Criteria:
        """Further conditions of the rows (see ``execution.criteria``); assigning adds.

        They apply to the rows that list, read, update and delete find. A create finds none: set
        ``attributes`` there.
        """
        if self.added_criteria is None:
            self.added_criteria = Criteria(self.resource)
        self.added_criteria.closed = self.rows_found
        return self.added_criteria

    @criteria.setter
    def criteria(self, criteria: Any) -> None:
        if criteria is None or criteria is not self.added_criteria:  # ``+=`` has added already.
            self.criteria.add(criteria)

    @property
    def attributes(self) -> Attributes:
        """What will be written: Python values under the model's names, in Python or in JSON.

        A hook may set any attribute, including those that clients may not. The body's values are
        added between ``auth`` and ``fetch``; what a hook set before overrides them.
        """
        if self._attributes is None:
            self._attributes = AttributeValues(self.resource, {}) if self.has_hooks else {}
        return self._attributes

    @attributes.setter
    def attributes(self, attributes: Attributes) -> None:
        if self.has_hooks and type(attributes) is not AttributeValues:
            values = AttributeValues(self.resource, {})
            values.update(attributes)
            attributes = values
        self._attributes = attributes

    def take_attributes(self, parsed: Attributes) -> None:
        """Set the body's values, by attribute names; what hooks have set overrides them."""
        if self._attributes:
            parsed.update(self._attributes)
        self._attributes = AttributeValues(self.resource, parsed) if self.has_hooks else parsed

    @property
    def add_to_children(self) -> MutableMapping[str, Any]:
        """Values for every nested row that the body creates; they override the client's.

        The names are those of the nested rows' models, in Python or in JSON; a value is added to
        the rows of those models that have the attribute.
        """
        if self._add_to_children is None:
            self._add_to_children = {}
        return self._add_to_children

    @add_to_children.setter
    def add_to_children(self, values: Mapping[str, Any]) -> None:
        self._add_to_children = dict(values)

    @property
    def include(self) -> Collection[str] | None:
        """The relations to embed; None for all that the resource embeds.

        Raises:
            HookError: On setting: the value is not a collection of names of such relations.
        """
        return self._include

    @include.setter
    def include(self, relations: Collection[str] | None) -> None:
        if isinstance(relations, str):
            raise HookError(f"resource {self.resource.name}: include must be a list of relations")
        for name in relations or ():
            if name not in self.resource.serializer.children:
                known = self.resource.serializer.children
                raise UnknownAttribute(self.resource.name, "embedded relation", name, known)
        self._include = relations

    @property
    def claims(self) -> Mapping[str, Any]:
        """The verified claims of the token."""
        return RequestState.from_scope(self.scope).claims

    @property
    def principal(self) -> Principal:
        """The user or the client that calls. Raise ``Forbidden`` if the claims identify neither."""
        return RequestState.from_scope(self.scope).principal

    async def connection(self) -> Connection:
        """Return the connection of this request's transaction, which this may begin."""
        return await self.unit.connection()

    async def rows_connection(self, *, embedded: bool = False) -> Connection:
        """Return the connection for the action's own rows: past ones, if they are requested.

        Statements of hooks run on ``connection`` and read the present, and so do the other tables
        that their criteria read.

        Args:
            embedded: Whether it reads embedded rows, which criteria do not narrow.
        """
        connection, past = await self.unit.connection(), self.past
        if past is None:
            return connection
        if self.added_criteria and not embedded:
            past = past.with_criteria(self.added_criteria.conditions)
        return PastConnection(connection, past)

    async def orm(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` with a SQLAlchemy session inside this request's transaction.

        What it adds is flushed when it returns, and committed or rolled back with everything else.
        It must neither commit nor roll back.
        """
        return await self.unit.orm(work)

    def after_commit(self, work: Callable[[], Awaitable[None] | None]) -> None:
        """Run work after the commit; it can no longer change the response."""
        self.unit.after_commit(work)
