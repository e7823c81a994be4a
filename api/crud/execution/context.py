"""The context: what the steps and hooks of one request hand on to each other.

Its names are Finale's. A step reads what earlier ones left and leaves its own part.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session
from starlette.types import Scope

from api.crud.execution.bodies import Attributes
from api.crud.execution.unit import UnitOfWork
from api.crud.query import ListQuery
from api.errors import ApiError
from api.http.exchange import Exchange
from db.connection import Connection

if TYPE_CHECKING:
    from api.crud.associations.nested import Nested, Writing
    from api.crud.resource import Resource

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
        key: The driver values of the path's parameters, in the path's order.
        query: What a list was asked for.
        given: The body of a create or an update as it came: the JSON object, decoded. Hooks find
            there what is not a field, or not writable by clients. What hooks of ``start`` and
            ``auth`` change here is what is validated.
        attributes: What will be written: Python values under the model's attribute names. A hook
            may set any of them, also those that a client may not. Filled from the body between
            ``auth`` and ``fetch``; what a hook set before overrides the body.
        nested: What the body says of related rows.
        add_to_children: Attributes for every nested child, over what the client says.
        writing: The related row that is being written, so that a refusal can name it.
        criteria: What else the rows must meet: values under attribute names (a list
            for any of them), or SQL expressions.
        instance: The row, or the rows, as records; ``{}`` once deleted.
        deleted_instance: The row that was deleted.
        rows: The rows of ``instance`` as the database gave them.
        total: How many rows the whole list has.
        count: The page's size; a hook's setting goes before the query's. Likewise:
        offset: How many rows come before the page.
        page: Which page, from 0; adds to the offset.
        include: The relations to embed; None for all that the resource embeds.
        shallow: Embed none, but for those that ``?children=a|b`` names.
        options: Anything that hooks hand on to later hooks.
        status: The status to answer with.
        headers: Headers to answer with.
        body: The response's bytes, once the send milestone has made them.
        error: What ended the run, for the hooks of ``complete``.
    """

    resource: "Resource"
    action: str
    scope: Scope
    unit: UnitOfWork
    key: tuple[Any, ...] = ()
    query: ListQuery | None = None
    given: dict[str, Any] = field(default_factory=dict)
    attributes: Attributes = field(default_factory=dict)
    nested: "list[Nested]" = field(default_factory=list)
    add_to_children: Mapping[str, Any] = field(default_factory=dict)
    writing: "Writing | None" = None
    criteria: Mapping[str, Any] | Collection[ColumnElement[bool]] = ()
    instance: Any = None
    deleted_instance: Any = None
    rows: Any = ()
    total: int | None = None
    count: int | None = None
    offset: int | None = None
    page: int | None = None
    include: Collection[str] | None = None
    shallow: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    error: ApiError | None = None

    @property
    def claims(self) -> Mapping[str, Any]:
        """The verified claims of the token."""
        return Exchange.of(self.scope).claims

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
