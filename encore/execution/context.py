"""The context: what the steps and hooks of one request hand on to each other.

Its names are Finale's. A step reads what earlier ones left and leaves its own part.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.orm import Session
from starlette.types import Scope

from encore.database.protocol import Connection
from encore.errors import ApiError, HookError, UnknownAttribute
from encore.execution.attribute_values import AttributeValues
from encore.execution.criteria import Criteria
from encore.execution.key_lookup import Lookup, look_up
from encore.execution.unit_of_work import UnitOfWork
from encore.http.request_state import RequestState
from encore.query import ListQuery
from encore.validation.body import Attributes

if TYPE_CHECKING:
    from encore.execution.related_write import RelatedWrite
    from encore.execution.stored_row import StoredRow
    from encore.models.fields import Field
    from encore.resource.definition import ResourceDefinition
    from encore.validation.body import ValidationErrors
    from encore.validation.nested import NestedBody

Headers = list[tuple[bytes, bytes]]
T = TypeVar("T")


@dataclass(slots=True)
class Response:
    """A response, whole.

    Attributes:
        status: The HTTP status.
        headers: Lower-case names; ``content-length`` is added when it is sent.
        body: The bytes.
    """

    status: int
    headers: Headers
    body: bytes


@dataclass(slots=True)
class Context:
    """One run of one action.

    Attributes:
        resource: Whose action it is.
        action: Its name.
        scope: The ASGI scope of the request.
        unit: This request's one transaction.
        by_key: Whether the action finds one row by its key.
        hooked: Whether hooks run.
        query: What a list was asked for.
        doubtful: Fields of a change whose text may be what was shown of a stored value that does
            not fit its column, and the errors of the body: to be settled once the row is read.
        given: The body of a create or an update as it came: the JSON object, decoded. Hooks find
            there what is not a field, or not writable by clients. What hooks of ``start`` and
            ``auth`` change here is what is validated.
        nested: What the body says of related rows.
        read_only: The names of members that are given but not written; they must be unchanged.
        stored: The row as it was, where the body must be compared with it.
        writing: The related row that is being written, so that a refusal can name it.
        key_values: What ``key`` returns.
        lookup: How the row is found, where a hook chose another key than the path's.
        narrowing: The criteria, once there are any.
        instance: The row, or the rows, as records; ``{}`` once deleted.
        deleted_instance: The row that was deleted.
        rows: The rows of ``instance`` as the database gave them.
        total: How many rows the whole list has; None where that is not known.
        is_uncounted: Whether it is left open: ``Content-Range`` is ``items 0-99/*``.
        link: The value of ``Link``, to other pages of the list.
        count: The page's size; a hook's setting goes before the query's. Likewise:
        offset: How many rows come before the page.
        page: Which page, from 0; adds to the offset.
        shallow: Embed none, but for those that ``?children=a|b`` names.
        options: Anything that hooks hand on to later hooks.
        status: The status to answer with.
        headers: Headers to answer with.
        body: The response's bytes, once the send milestone has made them.
        error: What ended the run, for the hooks of ``complete``.
        settled: Whether the rows are found, so that no key and no criteria can narrow them.
    """

    resource: "ResourceDefinition"
    action: str
    scope: Scope
    unit: UnitOfWork
    by_key: bool = False
    hooked: bool = False
    key_values: tuple[Any, ...] = ()
    lookup: Lookup | None = None
    query: ListQuery | None = None
    doubtful: "tuple[Sequence[Field], ValidationErrors] | None" = None
    given: dict[str, Any] = field(default_factory=dict)
    nested: "list[NestedBody]" = field(default_factory=list)
    read_only: tuple[str, ...] = ()
    stored: "StoredRow | None" = None
    writing: "RelatedWrite | None" = None
    narrowing: Criteria | None = None
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
    settled: bool = False
    _attributes: Attributes | None = field(default=None, init=False)
    _add_to_children: MutableMapping[str, Any] | None = field(default=None, init=False)
    _include: Collection[str] | None = field(default=None, init=False)

    @property
    def path_params(self) -> Mapping[str, str]:
        """The path's parameters as they came: texts, decoded."""
        params: Mapping[str, str] = self.scope["path_params"]
        return params

    @property
    def key(self) -> tuple[Any, ...]:
        """The key that finds the row: driver values, in the path's order, from ``fetch`` on.

        A hook may set another complete unique key, as Python values under the model's names:
        ``context.key = {"email": "ada@example.com"}``. What the path says is then not parsed, if
        the hook is one of ``start`` or ``auth``: ``/users/me`` can mean the caller. The values
        stand in the fields' order. A nested row must still belong to the path's parent.

        Raises:
            HookError: On setting what is not a complete unique key, where no row is looked up, or
            once it is found.
        """
        return self.key_values

    @key.setter
    def key(self, given: Mapping[str, Any]) -> None:
        if not self.by_key:
            raise HookError(f"resource {self.resource.name}: {self.action} looks no row up by key")
        if self.settled:
            raise HookError(f"resource {self.resource.name}: key: the row is found already")
        self.lookup = look_up(self.resource, given, self.scope)
        self.key_values = self.lookup.values

    @property
    def criteria(self) -> Criteria:
        """What else the rows must meet, as ``execution.criteria`` explains; assigning adds.

        They apply to the rows that an action finds: those of list, read, update and delete. A
        create finds none, so there they mean nothing: set ``attributes``.
        """
        if self.narrowing is None:
            self.narrowing = Criteria(self.resource)
        self.narrowing.closed = self.settled
        return self.narrowing

    @criteria.setter
    def criteria(self, given: Any) -> None:
        if given is not self.narrowing or given is None:  # ``criteria += …`` has added already.
            self.criteria.add(given)

    @property
    def attributes(self) -> Attributes:
        """What will be written: Python values under the model's names, in Python or in JSON.

        A hook may set any of them, also those that a client may not. Filled from the body between
        ``auth`` and ``fetch``; what a hook set before overrides the body.
        """
        if self._attributes is None:
            self.attributes = {}
        assert self._attributes is not None  # noqa: S101 - the line above
        return self._attributes

    @attributes.setter
    def attributes(self, given: Attributes) -> None:
        if self.hooked and type(given) is not AttributeValues:
            values = AttributeValues(self.resource, {})
            values.update(given)
            given = values
        self._attributes = given

    def take_attributes(self, parsed: Attributes) -> None:
        """Take what the body says, under attribute names; what hooks set overrides it."""
        if self._attributes:
            parsed.update(self._attributes)
        self._attributes = AttributeValues(self.resource, parsed) if self.hooked else parsed

    @property
    def add_to_children(self) -> MutableMapping[str, Any]:
        """Values for every nested row that the body makes, overriding what the client says.

        Names are those of the nested rows' models, in Python or in JSON; what only some of the
        models have goes to their rows alone.
        """
        if self._add_to_children is None:
            self._add_to_children = {}
        return self._add_to_children

    @add_to_children.setter
    def add_to_children(self, given: Mapping[str, Any]) -> None:
        self._add_to_children = dict(given)

    @property
    def include(self) -> Collection[str] | None:
        """The relations to embed; None for all that the resource embeds.

        Raises:
            HookError: On setting what is not a collection of such relations' names.
        """
        return self._include

    @include.setter
    def include(self, given: Collection[str] | None) -> None:
        if isinstance(given, str):
            raise HookError(f"resource {self.resource.name}: include must be a list of relations")
        for name in given or ():
            if name not in self.resource.serializer.children:
                known = self.resource.serializer.children
                raise UnknownAttribute(self.resource.name, "embedded relation", name, known)
        self._include = given

    @property
    def claims(self) -> Mapping[str, Any]:
        """The verified claims of the token."""
        return RequestState.from_scope(self.scope).claims

    async def connection(self) -> Connection:
        """Give the database inside this request's transaction, which this may begin."""
        return await self.unit.connection()

    async def orm(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` with a SQLAlchemy session inside this request's transaction.

        What it adds is flushed when it returns, and committed or undone with all else. It must
        neither commit nor roll back.
        """
        return await self.unit.orm(work)

    def after_commit(self, work: Callable[[], Awaitable[None] | None]) -> None:
        """Have work done once all is committed; it can no longer change the answer."""
        self.unit.after_commit(work)
