"""Routes of FastAPI and Starlette in an ``Application``.

``list_routes`` lists every route of an application, also those of included routers, each with its
effective path, methods and endpoint. ``wrap_framework_route`` adds the middleware that the
frameworks expect around a route. Unsupported routes raise an error instead of being ignored.
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
        UnsupportedRoute: One of them is a WebSocket or ``Host`` route.
    """
    contexts = list(iter_route_contexts(list(routes)))
    for context in contexts:
        route = context.original_route
        if isinstance(route, WebSocketRoute):
            raise UnsupportedRoute(
                f"the route {context.path} is a websocket, which is not supported:"
                " mount this application in one that has the websocket route"
            )
        if isinstance(route, Host):
            raise UnsupportedRoute(f"the routes of host {route.host}: only one host is supported")
    return contexts


def declared_access(route: RouteContext) -> Access | None:
    """Return the access that a route itself declares; None if it declares none."""
    return getattr(route.endpoint, "access", None)


def wrap_framework_route(route: RouteContext) -> ASGIApp:
    """Return an ASGI application that runs a route of FastAPI or Starlette."""
    no_head = "HEAD" not in (route.methods or ())  # FastAPI's GET routes do not handle HEAD.
    # The context of an included route has its own application.
    run: ASGIApp = getattr(route, "app", None) or route.handle

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if no_head and scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, discard_body(send)
        _, child = route.matches(scope)
        scope.update(child)
        await run(scope, receive, send)

    return AsyncExitStackMiddleware(handle)


def discard_body(send: Send) -> Send:
    """Return a ``send`` that discards the body, for HEAD."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
