"""FastAPI's and Starlette's own routes, as a ``Service`` runs them.

``list_routes`` lists every route of an application, also those of included routers, each with the
path, methods and endpoint that it has there. ``wrap_framework_route`` wraps one in what its
framework expects around it. What a ``Service`` cannot run is refused, rather than left out.
"""

from collections.abc import Iterable

from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute, Host, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from encore.errors import UnsupportedRoute
from encore.http.access import Access


def list_routes(routes: Iterable[BaseRoute]) -> list[RouteContext]:
    """Return all routes, in order.

    Raises:
        UnsupportedRoute: A websocket or a host's route is among them.
    """
    found = list(iter_route_contexts(list(routes)))
    for route in found:
        kind = route.original_route
        if isinstance(kind, WebSocketRoute):
            raise UnsupportedRoute(
                f"the route {route.path} is a websocket; a Service answers HTTP requests alone:"
                " mount it in an application around the Service"
            )
        if isinstance(kind, Host):
            raise UnsupportedRoute(f"the routes of host {kind.host}: a Service has one host")
    return found


def declared_access(route: RouteContext) -> Access | None:
    """Return what a route itself says of who may call it; None where it says nothing."""
    return getattr(route.endpoint, "access", None)


def wrap_framework_route(route: RouteContext) -> ASGIApp:
    """Wrap one of FastAPI's or Starlette's own routes in what they expect around them."""
    no_head = "HEAD" not in (route.methods or ())  # FastAPI's know GET alone.
    # What is included in a router has an application of its own there; this is that one.
    run: ASGIApp = getattr(route, "app", None) or route.handle

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if no_head and scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, discard_body(send)
        _, child = route.matches(scope)
        scope.update(child)
        await run(scope, receive, send)

    return AsyncExitStackMiddleware(handle)


def discard_body(send: Send) -> Send:
    """Return a channel that leaves bodies out, for HEAD."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
