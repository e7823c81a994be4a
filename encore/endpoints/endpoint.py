"""The route of a generated operation: a pipeline runs it, and it describes itself in OpenAPI.

FastAPI's own route solves dependencies and validates parameters with pydantic on each request,
which costs several times as much as the request itself. This route runs its pipeline. Its
description is made when the OpenAPI document is.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from encore.errors import NotFound
from encore.execution.context import Response
from encore.execution.pipeline import Pipeline
from encore.execution.unit_of_work import UnitOfWork
from encore.http.access import Access
from encore.http.media_types import check_accept
from encore.http.standalone_operation import StandaloneOperation
from encore.openapi.components import Components
from encore.openapi.document import DescribedRoute

_WITHOUT_CONTENT: Final = (204, 304)
"""Statuses whose responses have neither content nor its length (RFC 9110, section 6.4.1)."""


class Endpoint(Protocol):
    """An ASGI application that declares its access, and has a name for OpenAPI."""

    access: Access
    name: str

    @property
    def accepts_idempotency_keys(self) -> bool:
        """Whether a request may have an ``Idempotency-Key``; it is rejected otherwise."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        ...


class Operation:
    """One generated endpoint: an ASGI application.

    Attributes:
        pipeline: The pipeline that it runs.
        access: What it demands of a token.
        name: The name of its route, from the action and the path.
    """

    def __init__(self, pipeline: Pipeline, access: Access) -> None:
        self.pipeline = pipeline
        self.access = access
        self.name = f"{pipeline.action.name}_{pipeline.action.resource.slug}"

    def could_find(self, parameters: Mapping[str, str]) -> bool:
        """Return whether a row may have the path's parameters: ``upload`` is not an integer key."""
        action, resource = self.pipeline.action, self.pipeline.action.resource
        parse = resource.parse_key if action.finds_by_key else resource.parse_parent_key
        try:
            parse({"path_params": parameters})
        except NotFound:
            return False
        return True

    @property
    def accepts_idempotency_keys(self) -> bool:
        """Whether a request may have an ``Idempotency-Key``: if it writes."""
        return self.pipeline.action.writes

    @property
    def streams(self) -> tuple[str, ...]:
        """The media types of streams of all rows; empty unless the operation is a list."""
        return ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the pipeline and send its response; a HEAD request gets the headers alone."""
        if self.pipeline.produces:
            check_accept(scope, self.pipeline.produces)
        await self.answer(scope, receive, send)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the pipeline and send its response, whatever the caller accepts."""
        await self.respond(await self.run(scope, receive), scope, send)

    async def run(
        self, scope: Scope, receive: Receive, outer: UnitOfWork | None = None
    ) -> Response:
        """Run the pipeline and return its response.

        Args:
            scope: The request.
            receive: The channel of its body.
            outer: The unit of a batch, whose transaction the run is part of.

        Raises:
            ApiError: The request is rejected, or the action has failed.
        """
        return await self.pipeline.run(scope, receive, outer)

    @staticmethod
    async def respond(response: Response, scope: Scope, send: Send) -> None:
        """Send a response."""
        headers, body = response.headers, response.body
        if response.status in _WITHOUT_CONTENT:
            body = b""
        else:
            headers = [*headers, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        if scope["method"] == "HEAD":
            body = b""
        await send({"type": "http.response.body", "body": body})


Describe = Callable[[Components], dict[str, Any]]
"""Returns the Operation Object of a route; what it shares with others goes to the components."""


class PipelineRoute(DescribedRoute):
    """A route that passes requests to its operation.

    Args:
        path: The path template.
        operation: The operation.
        methods: The HTTP methods.
        describe: Returns its Operation Object in OpenAPI.

    Attributes:
        operation: As passed.
        resource: The name of its resource.
    """

    resource: str = ""

    def __init__(
        self,
        path: str,
        operation: Endpoint,
        methods: Sequence[str],
        describe: Describe,
    ) -> None:
        super().__init__(path, operation, methods=methods, name=operation.name)
        self.methods: set[str] = set(methods)  # Without Starlette's HEAD, which routing handles.
        self._handled_methods = self.methods | ({"HEAD"} if "GET" in self.methods else set())
        self.operation = operation
        self._describe = describe
        self._standalone = StandaloneOperation(operation, operation.access)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as Starlette does, but match HEAD where GET matches."""
        if scope["type"] == "http" and scope["method"] == "HEAD" and "GET" in self.methods:
            return super().matches({**scope, "method": "GET"})
        return super().matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request in an application that is not a ``Service``.

        A ``Service`` runs the operation itself, inside its own middleware.
        """
        if scope["method"] not in self._handled_methods:
            await super().handle(scope, receive, send)
            return
        await self._standalone(scope, receive, send)

    def describe(self, components: Components) -> dict[str, Any]:
        """Return its Operation Object."""
        return self._describe(components)
