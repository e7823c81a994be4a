"""The context: what the steps of one action hand on to each other.

Its names are Finale's. A step reads what earlier ones left and leaves its own part.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from api.crud.criteria import ListQuery
from db.database import Connection

if TYPE_CHECKING:
    from api.crud.fields import Field
    from api.crud.records import Record
    from api.crud.resource import Resource

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
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
        scope: The ASGI scope of the request.
        connection: The database, inside this request's transaction; set once that is open.
        key: The driver values of the path's parameters, in the path's order.
        query: What a list was asked for.
        attributes: What the body sets: Python values under their fields.
        instance: The row, or the rows, as records; ``{}`` once deleted.
        deleted_instance: The row that was deleted.
        total: How many rows the whole list has.
        offset: How many of them come before this page.
        status: The status to answer with.
        headers: Headers to answer with.
        body: The response's bytes, once the send milestone has made them.
    """

    resource: "Resource"
    scope: Scope
    connection: Connection = field(init=False)
    key: tuple[Any, ...] = ()
    query: ListQuery | None = None
    attributes: dict["Field", Any] = field(default_factory=dict)
    instance: "Record | list[Record] | dict[str, Any] | None" = None
    deleted_instance: "Record | None" = None
    total: int | None = None
    offset: int = 0
    status: int = 200
    headers: Headers = field(default_factory=list)
    body: bytes = b""
