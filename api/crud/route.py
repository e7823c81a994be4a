"""The route under a generated operation: OpenAPI from the signature, the plan at run time.

FastAPI's own route solves dependencies and validates parameters by pydantic on each request, which
costs several times what the request itself does. This one is described to FastAPI in the usual
way, and runs its plan.
"""

from typing import Any

from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from api.crud.plan import Plan
from api.http.exchange import Access


class Operation:
    """An endpoint as FastAPI sees it: a signature to describe, and the plan behind it.

    Attributes:
        plan: What runs.
        access: The scopes it asks for.
    """

    def __init__(self, plan: Plan, access: Access, parameters: Any) -> None:
        self.plan = plan
        self.access = access
        self.__signature__ = parameters
        self.__name__ = f"{plan.action.name}_{plan.action.resource.slug}"
        self.__doc__ = plan.action.__doc__

    def __call__(self) -> None:
        """Never called: ``PlanRoute`` runs the plan."""
        raise NotImplementedError


class PlanRoute(APIRoute):
    """A route that hands the request to its operation's plan."""

    endpoint: Any

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the plan and send its response; a HEAD request gets the headers alone."""
        response = await self.endpoint.plan.run(scope, receive)
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
