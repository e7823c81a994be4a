"""Routing: which operation a request is for, found before anyone asks who is calling.

The gate needs to know what an operation asks of a token, so the match comes first; it runs
nothing. What it finds goes into the exchange: the handler, the access and the path template. A
request for nothing, or with a wrong method, carries its refusal in place of a handler, so that
401 and 403 still come before 404 and 405.

Generated routes stand in an index by length and first segment: fifty models cost a request no
more than one. Other routes, which are few, are asked in turn as Starlette does.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, unquote_to_bytes

import structlog
from fastapi.routing import RouteContext, iter_route_contexts
from starlette._utils import get_route_path
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from encore.errors import (
    ApiError,
    BadRequest,
    MethodNotAllowed,
    NotFound,
    UndeclaredAccess,
    UnsupportedRoute,
)
from encore.http.access import AUTHENTICATED, PUBLIC, Access
from encore.http.framework_routes import declared_access, list_routes, wrap_framework_route
from encore.http.host_header import host_error
from encore.http.request_state import RequestState

log: Any = structlog.get_logger("encore")

_INDEXED: Final = re.compile(r"(?:/(?:[^{}/]*|\{[^{}/:]+\}))+")
"""Templates whose segments are words or parameters, and nothing in between."""


_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


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

    def could_find(self, parameters: dict[str, str]) -> bool:
        """Return whether generated operations here have keys that these can be."""
        handlers = [handler for handler, _ in self.routes.values()]
        return all(getattr(one, "could_find", _always)(parameters) for one in handlers)


def _always(_: dict[str, str]) -> bool:
    return True


class RouteTable:
    """All routes of an app, also those that are added to it later.

    Args:
        routes: As registered; the list itself.
        access: What each path asks of a token, for routes that do not say so themselves; the
            key is the path template, or the prefix of a mount.

    Raises:
        UndeclaredAccess: A route is on neither list.
        UnsupportedRoute: A route is none that a ``Service`` can serve.
    """

    def __init__(self, routes: Sequence[BaseRoute], access: Mapping[str, Access]) -> None:
        self._routes = routes
        self._declared = access
        self._load()

    def _load(self) -> None:
        self._known, routes = len(self._routes), list_routes(self._routes)
        self._all_known = len(routes)  # With those of included routers.
        self._paths: dict[str, _Path] = {}
        self._others: list[tuple[RouteContext, ASGIApp, Access]] = []
        # What is not there is told to everyone only where everyone may see all that is.
        self._elsewhere = PUBLIC
        for route in routes:
            self._add(route)
        self._static = {p.template: p for p in self._paths.values() if "{" not in p.template}
        self._dynamic: dict[tuple[int, str], list[_Path]] = {}
        self._leading: dict[int, list[_Path]] = {}  # Those that begin with a parameter.
        for path in self._paths.values():
            if path.segments[1][:1] == "{":
                self._leading.setdefault(len(path.segments), []).append(path)
            elif "{" in path.template:
                place = (len(path.segments), path.segments[1])
                self._dynamic.setdefault(place, []).append(path)

    def _add(self, route: RouteContext) -> None:
        template = route.path or ""
        access = declared_access(route) or self._declared.get(template)
        if access is None:
            raise UndeclaredAccess(
                f"the route {template or route.original_route!r} is neither public nor names its"
                " scopes: decorate its endpoint, or name it in Service(access={...})"
            )
        if not access.public:
            self._elsewhere = AUTHENTICATED
        # What runs needs nothing of FastAPI's around it where it is generated.
        handler = getattr(route, "operation", None) or wrap_framework_route(route)
        is_route = isinstance(route.original_route, Route) and route.methods
        if not is_route or not _INDEXED.fullmatch(template):
            self._others.append((route, handler, access))
            return
        path = self._paths.setdefault(template, _Path(template, tuple(template.split("/"))))
        for method in route.methods or ():
            path.routes.setdefault(method, (handler, access))

    def resolve(self, scope: Scope, state: RequestState) -> None:
        """Find the operation and leave it in the exchange; parameters go into the scope."""
        if len(self._routes) != self._known:
            self._load_added()
        # The part behind a mount, where the application is mounted in another one.
        requested: str = get_route_path(scope) if scope.get("root_path") else scope["path"]
        if requested[-1:] == "/" and len(requested) > 1:
            requested = requested[:-1]
        path = self._static.get(requested)
        parameters: dict[str, str] = {}
        if path is None:
            if requested[:1] != "/":
                _resolve_target(scope, state)
                return
            path, parameters = self._first(requested, scope)
            if path is None:
                self._resolve_other(scope, state)
                return
        method = scope["method"]
        route = path.routes.get("GET" if method == "HEAD" else method)
        if route is None:
            self._resolve_method(requested, path, scope, state)
            return
        scope["path_params"] = parameters
        state.route = path.template
        state.operation, state.access = route

    def _first(self, requested: str, scope: Scope) -> tuple[_Path | None, dict[str, str]]:
        """Return the first path with parameters that matches, and their values."""
        raw = scope.get("raw_path")
        if self._leading or raw is None or b"%" in raw or "%" in requested:
            return next(self._matching(requested, scope), (None, {}))
        # What nearly every request is: nothing to decode, one place to look in.
        segments = requested.split("/")
        for candidate in self._dynamic.get((len(segments), segments[1]), ()):
            found = candidate.parameters(segments)
            if found is not None:
                return candidate, found
        return None, {}

    def _matching(self, requested: str, scope: Scope) -> Iterator[tuple[_Path, dict[str, str]]]:
        """Yield the paths with parameters that a request's path matches, and their values."""
        segments = _segments(requested, scope)
        if "\ufffd" in requested or "%" in requested:
            _check_encoding(scope.get("raw_path"))
        candidates: Sequence[_Path] = self._dynamic.get((len(segments), segments[1]), ())
        if self._leading:
            candidates = (*candidates, *self._leading.get(len(segments), ()))
        for candidate in candidates:
            found = candidate.parameters(segments)
            if found is not None:
                yield candidate, found

    def _resolve_method(
        self, requested: str, path: _Path, scope: Scope, state: RequestState
    ) -> None:
        """Resolve a request whose method the first path does not know: another one may.

        ``GET /parts/upload`` is the part of that key, where only ``POST /parts/upload`` is an
        upload.
        """
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        others = [
            (other, parameters)
            for other, parameters in self._matching(requested, scope)
            if other.could_find(parameters)
        ]
        for other, parameters in others:
            if method in other.routes:
                scope["path_params"] = parameters
                state.route = other.template
                state.operation, state.access = other.routes[method]
                return
        if self._load_included():
            self.resolve(scope, state)
            return
        state.route = path.template
        # Who may see that there is something here: whoever may call any of it.
        state.access = next(access for _, access in path.routes.values())
        allow = sorted({*path.allow, *(name for other, _ in others for name in other.allow)})
        if method == "OPTIONS":
            state.operation = _options(allow)
        else:
            state.operation = MethodNotAllowed(headers={"Allow": ", ".join(allow)})

    def _resolve_other(self, scope: Scope, state: RequestState) -> None:
        partial: tuple[RouteContext, Access] | None = None
        for route, handler, access in self._others:
            match, child = route.matches(scope)
            if match is Match.FULL:
                scope.update(child)
                state.route = route.path
                state.operation, state.access = handler, access
                return
            if match is Match.PARTIAL and partial is None:
                partial = route, access
        if self._load_included():
            self.resolve(scope, state)
        elif partial is None:
            state.operation, state.access = NotFound(), self._elsewhere
        else:
            route, state.access = partial
            state.route = route.path
            allow = ", ".join(sorted(route.methods or ()))
            state.operation = MethodNotAllowed(headers={"Allow": allow})

    def _load_added(self) -> bool:
        """Take in what was added while the service runs; what may not be served stays out."""
        before = dict(vars(self))
        try:
            self._load()
        except (UndeclaredAccess, UnsupportedRoute) as error:
            vars(self).update(before)
            self._known = len(self._routes)
            self._all_known = _count(self._routes)
            log.error("route not added", error=str(error))  # noqa: TRY400 - the text says all
            return False
        return True

    def _load_included(self) -> bool:
        """Take in what was added to an included router; return whether anything was."""
        has_included = self._all_known != self._known
        return has_included and _count(self._routes) != self._all_known and self._load_added()


def _count(routes: Sequence[BaseRoute]) -> int:
    return sum(1 for _ in iter_route_contexts(routes))


def _resolve_target(scope: Scope, state: RequestState) -> None:
    """Resolve a request whose target is no path (RFC 9112, section 3.2)."""
    state.access = PUBLIC  # Nothing is shown here.
    if scope["path"] == "*" and scope["method"] == "OPTIONS":
        state.operation = _options(_METHODS)
    else:
        state.operation = BadRequest("The request target must be a path that begins with /")


_METHODS: Final = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]


def _segments(path: str, scope: Scope) -> list[str]:
    """Divide a path; a slash that came percent-encoded is a letter of its segment (RFC 3986)."""
    raw: bytes | None = scope.get("raw_path")
    if raw is None or b"%2f" not in raw.lower():
        return path.split("/")
    whole = raw.partition(b"?")[0].rstrip(b"/").decode("ascii", "replace").split("/")
    if len(path) < len(scope["path"].rstrip("/")):  # Behind a mount: leave out its segments.
        del whole[1 : scope["root_path"].count("/") + 1]
    return [unquote(part) for part in whole]


def _check_encoding(raw: bytes | None) -> None:
    """Refuse a path that another one may be read as. Raises ``BadRequest``."""
    if raw is None:
        return
    try:
        unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise BadRequest("The path is not UTF-8") from error
    if _BAD_ESCAPE.search(raw):
        raise BadRequest("The path has a % without two hexadecimal digits")


def _options(allow: list[str]) -> ASGIApp:
    headers = [(b"allow", ", ".join(allow).encode()), (b"content-length", b"0")]

    async def answer(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return answer


class RoutingMiddleware:
    """Resolves each request before it goes on inward."""

    def __init__(self, app: ASGIApp, table: RouteTable) -> None:
        self._app = app
        self._table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find the operation, then pass the request on."""
        state = RequestState.from_scope(scope)
        self._table.resolve(scope, state)
        if scope.get("http_version") == "1.1" and (refusal := host_error(scope)) is not None:
            state.operation = refusal  # As any other refusal, told to who may call here.
        await self._app(scope, receive, send)


async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
    """Run what routing found: the innermost of the chain."""
    operation: Any = RequestState.from_scope(scope).operation
    if isinstance(operation, ApiError):
        raise operation
    await operation(scope, receive, send)
