"""The route under a generated operation: described to FastAPI, run by its plan.

FastAPI's own route solves dependencies and validates parameters by pydantic on each request, which
costs several times what the request itself does. This one runs its plan. What FastAPI needs to
describe it in OpenAPI is made when somebody asks for that: making it at the start would take
longer, for fifty models, than all the rest of the start.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol

from fastapi.routing import APIRoute
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.crud.execution.plan import Plan
from api.http.exchange import Access


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
        plan: What runs.
        access: The scopes it asks for.
    """

    def __init__(self, plan: Plan, access: Access) -> None:
        self.plan = plan
        self.access = access
        self.name = f"{plan.action.name}_{plan.action.resource.slug}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the plan and send its response; a HEAD request gets the headers alone."""
        response = await self.plan.run(scope, receive)
        length = (b"content-length", str(len(response.body)).encode())
        await send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": [*response.headers, length],
            }
        )
        body = b"" if scope["method"] == "HEAD" else response.body
        await send({"type": "http.response.body", "body": body})


class PlanRoute(Route):
    """A route that hands the request to its operation.

    Args:
        path: The path template.
        operation: What runs.
        methods: The HTTP methods.
        describe: Makes the FastAPI route that describes this one.
    """

    def __init__(
        self,
        path: str,
        operation: Endpoint,
        methods: Sequence[str],
        describe: Callable[[], APIRoute],
    ) -> None:
        super().__init__(path, operation, methods=methods, name=operation.name)
        self.methods = set(methods)  # Without the HEAD that Starlette adds: routing answers it.
        self._describe = describe

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the operation: routing has looked at the method already."""
        await self.app(scope, receive, send)

    @cached_property
    def described(self) -> APIRoute:
        """The route that FastAPI describes in OpenAPI in place of this one."""
        return self._describe()
