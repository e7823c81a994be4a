"""The route under a generated operation: described to FastAPI, run by its plan.

FastAPI's own route solves dependencies and validates parameters by pydantic on each request, which
costs several times what the request itself does. This one runs its plan. What FastAPI needs to
describe it in OpenAPI is made when somebody asks for that: making it at the start would take
longer, for fifty models, than all the rest of the start.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Final, Protocol

from fastapi.routing import APIRoute
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from encore.errors import NotFound
from encore.execution.context import Response
from encore.execution.pipeline import Pipeline
from encore.http.access import Access
from encore.http.media_types import check_accept
from encore.http.preconditions import check_preconditions
from encore.http.standalone_operation import StandaloneOperation

_WITHOUT_CONTENT: Final = (204, 304)
"""Statuses whose responses have no content, and no length of one (RFC 9110, section 6.4.1)."""


class Endpoint(Protocol):
    """An ASGI application that says what it asks of a token, and has a name for OpenAPI."""

    access: Access
    name: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        ...


class Operation:
    """What one generated endpoint does: an ASGI application.

    Attributes:
        pipeline: What runs.
        access: The scopes it asks for.
    """

    def __init__(self, pipeline: Pipeline, access: Access) -> None:
        self.pipeline = pipeline
        self.access = access
        self.name = f"{pipeline.action.name}_{pipeline.action.resource.slug}"

    def could_find(self, parameters: Mapping[str, str]) -> bool:
        """Return whether the path's parameters may be a row's: ``upload`` is no integer key."""
        action = self.pipeline.action
        read = action.resource.parse_key if action.by_key else action.resource.parse_parent_key
        try:
            read({"path_params": parameters})
        except NotFound:
            return False
        return True

    @property
    def streams(self) -> tuple[str, ...]:
        """The media types of all rows in one response; none where there is no list."""
        return ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the plan and send its response; a HEAD request gets the headers alone."""
        if self.pipeline.produces:
            check_accept(scope, self.pipeline.produces)
        await self.answer(scope, receive, send)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Do so, whatever the caller accepts."""
        if self.pipeline.action.writes:
            check_preconditions(scope)
        await self.respond(await self.pipeline.run(scope, receive), scope, send)

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


class PipelineRoute(Route):
    """A route that hands the request to its operation.

    Args:
        path: The path template.
        operation: What runs.
        methods: The HTTP methods.
        describe: Makes the FastAPI route that describes this one.

    Attributes:
        operation: As given.
        resource: The name of the resource that it belongs to.
    """

    resource: str = ""

    def __init__(
        self,
        path: str,
        operation: Endpoint,
        methods: Sequence[str],
        describe: Callable[[], APIRoute],
    ) -> None:
        super().__init__(path, operation, methods=methods, name=operation.name)
        self.methods: set[str] = set(methods)  # Without Starlette's HEAD: routing answers it.
        self._answers = self.methods | ({"HEAD"} if "GET" in self.methods else set())
        self.operation = operation
        self._describe = describe
        self._standalone = StandaloneOperation(operation, operation.access)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as Starlette does, except that HEAD is answered where GET is."""
        if scope["type"] == "http" and scope["method"] == "HEAD" and "GET" in self.methods:
            return super().matches({**scope, "method": "GET"})
        return super().matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that Starlette's router found, in an application that is no ``Service``.

        A ``Service`` runs the operation itself, inside its own layers.
        """
        if scope["method"] not in self._answers:
            await super().handle(scope, receive, send)
            return
        await self._standalone(scope, receive, send)

    @cached_property
    def described(self) -> APIRoute:
        """The route that FastAPI describes in OpenAPI in place of this one."""
        return self._describe()
