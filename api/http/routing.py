"""Routing: which operation a request is for, found before anyone asks who is calling.

The gate needs to know what an operation asks of a token, so the match comes first; it runs
nothing. What it finds goes into the exchange: the handler, the access and the path template. A
request for nothing, or with a wrong method, carries its refusal in place of a handler, so that
401 and 403 still come before 404 and 405.

Generated routes stand in an index by length and first segment: fifty models cost a request no
more than one. Other routes, which are few, are asked in turn as Starlette does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette._utils import get_route_path
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import ApiError, MethodNotAllowed, NotFound
from api.http.exchange import AUTHENTICATED, Access, Exchange


class UndeclaredAccess(Exception):
    """A route that is neither public nor says what it asks of a token: the start stops."""


@dataclass(slots=True)
class _Path:
    """One path template and the routes on it, by method."""

    template: str
    segments: tuple[str, ...]
    routes: dict[str, tuple[ASGIApp, Access]] = field(default_factory=dict)

    @property
    def allow(self) -> list[str]:
        """The methods that are answered here."""
        return sorted({*self.routes, *(["HEAD"] if "GET" in self.routes else []), "OPTIONS"})

    def parameters(self, segments: list[str]) -> dict[str, str] | None:
        """Give the path's parameters, or None where it does not match."""
        found = {}
        for pattern, segment in zip(self.segments, segments, strict=True):
            if pattern[:1] == "{":
                if not segment:
                    return None
                found[pattern[1:-1]] = segment
            elif pattern != segment:
                return None
        return found


def access_of(route: BaseRoute) -> Access | None:
    """Give what a route itself says of who may call it; None where it says nothing."""
    return getattr(getattr(route, "endpoint", None), "access", None)


class RouteTable:
    """All routes of an app.

    Args:
        routes: As registered.
        access: What each path asks of a token, for routes that do not say so themselves; the
            key is the path template, or the prefix of a mount.

    Raises:
        UndeclaredAccess: A route is on neither list.
    """

    def __init__(self, routes: Iterable[BaseRoute], access: Mapping[str, Access]) -> None:
        self._declared = access
        self._paths: dict[str, _Path] = {}
        self._others: list[tuple[Mount | BaseRoute, Access]] = []
        for route in routes:
            self._add(route)
        self._static = {p.template: p for p in self._paths.values() if "{" not in p.template}
        self._dynamic: dict[tuple[int, str], list[_Path]] = {}
        for path in self._paths.values():
            if "{" in path.template:
                place = (len(path.segments), path.segments[1])
                self._dynamic.setdefault(place, []).append(path)

    def _add(self, route: BaseRoute) -> None:
        template = getattr(route, "path", "")
        access = access_of(route) or self._declared.get(template)
        if access is None:
            raise UndeclaredAccess(
                f"the route {template or route!r} is neither public nor names its scopes"
            )
        if not isinstance(route, Route) or ":" in template:
            self._others.append((route, access))
            return
        path = self._paths.setdefault(template, _Path(template, tuple(template.split("/"))))
        handler = getattr(route, "operation", None) or _native(route)
        for method in route.methods or ():
            path.routes.setdefault(method, (handler, access))

    def resolve(self, scope: Scope, exchange: Exchange) -> None:
        """Find the operation and leave it in the exchange; parameters go into the scope."""
        # The part behind a mount, where the application is mounted in another one.
        requested: str = get_route_path(scope) if scope.get("root_path") else scope["path"]
        if requested[-1:] == "/" and len(requested) > 1:
            requested = requested[:-1]
        path = self._static.get(requested)
        parameters: dict[str, str] = {}
        if path is None:
            segments = _segments(requested, scope)
            for candidate in self._dynamic.get((len(segments), segments[1]), ()):
                found = candidate.parameters(segments)
                if found is not None:
                    path, parameters = candidate, found
                    break
            else:
                self._resolve_other(scope, exchange)
                return
        scope["path_params"] = parameters
        exchange.route = path.template
        self._choose(path, scope["method"], exchange)

    @staticmethod
    def _choose(path: _Path, method: str, exchange: Exchange) -> None:
        route = path.routes.get("GET" if method == "HEAD" else method)
        if route is not None:
            exchange.operation, exchange.access = route
            return
        # Who may see that there is something here: whoever may call any of it.
        accesses = [access for _, access in path.routes.values()]
        exchange.access = accesses[0]
        if method == "OPTIONS":
            exchange.operation = _options(path.allow)
        else:
            exchange.operation = MethodNotAllowed(headers={"Allow": ", ".join(path.allow)})

    def _resolve_other(self, scope: Scope, exchange: Exchange) -> None:
        for route, access in self._others:
            match, child = route.matches(scope)
            if match is Match.FULL:
                scope.update(child)
                exchange.route = getattr(route, "path", None)
                exchange.operation, exchange.access = route.handle, access
                return
        exchange.operation, exchange.access = NotFound(), AUTHENTICATED


def _segments(path: str, scope: Scope) -> list[str]:
    """Divide a path; a slash that came percent-encoded is a letter of its segment (RFC 3986)."""
    raw: bytes | None = scope.get("raw_path")
    if raw is None or b"%2f" not in raw.lower():
        return path.split("/")
    whole = raw.partition(b"?")[0].rstrip(b"/").decode("ascii", "replace").split("/")
    if len(path) < len(scope["path"].rstrip("/")):  # Behind a mount: leave out its segments.
        del whole[1 : scope["root_path"].count("/") + 1]
    return [unquote(part) for part in whole]


def _native(route: Route) -> ASGIApp:
    """Wrap one of FastAPI's or Starlette's own routes in what they expect around them."""
    no_head = "HEAD" not in (route.methods or ())  # FastAPI's know GET alone.

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if no_head and scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        _, child = route.matches(scope)
        scope.update(child)
        await route.handle(scope, receive, send)

    return AsyncExitStackMiddleware(handle)


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head


def _options(allow: list[str]) -> ASGIApp:
    headers = [(b"allow", ", ".join(allow).encode()), (b"content-length", b"0")]

    async def answer(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return answer


class Routing:
    """Resolves each request before it goes on inward."""

    def __init__(self, app: ASGIApp, table: RouteTable) -> None:
        self._app = app
        self._table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find the operation, then pass the request on."""
        self._table.resolve(scope, Exchange.of(scope))
        await self._app(scope, receive, send)


async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
    """Run what routing found: the innermost of the chain."""
    operation: Any = Exchange.of(scope).operation
    if isinstance(operation, ApiError):
        raise operation
    await operation(scope, receive, send)
