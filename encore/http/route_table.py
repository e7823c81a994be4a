"""The table of routes: finds operation, access and path parameters of a request.

Generated routes are indexed by number of segments and first segment: a request takes as long with
fifty models as with one. The few other routes are matched in order, as Starlette does.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

import structlog
from fastapi.routing import RouteContext, iter_route_contexts
from starlette._utils import get_route_path
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from encore.errors import (
    BadRequest,
    MethodNotAllowed,
    NotFound,
    RouteError,
    UndeclaredAccess,
    UnsupportedRoute,
)
from encore.http.access import AUTHENTICATED, PUBLIC, Access
from encore.http.framework_routes import declared_access, list_routes, wrap_framework_route
from encore.http.request_state import RequestState
from encore.http.unsupported_headers import RejectUnsupportedHeaders

_log: Final = structlog.get_logger("encore.http")

_INDEXED: Final = re.compile(r"(?:/(?:[^{}/]*|\{[^{}/:]+\}))+")
"""Templates each of whose segments is either literal or one parameter."""

_INVALID_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_METHODS: Final = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]


@dataclass(slots=True)
class _Path:
    """One path template and its routes by method."""

    template: str
    segments: tuple[str, ...]
    routes: dict[str, tuple[ASGIApp, Access]] = field(default_factory=dict)

    @property
    def allow(self) -> list[str]:
        """The allowed methods."""
        return sorted({*self.routes, *(["HEAD"] if "GET" in self.routes else []), "OPTIONS"})

    def parameters(self, segments: list[str]) -> dict[str, str] | None:
        """Return the parameters of a path; None if it does not match."""
        parameters = {}
        for pattern, segment in zip(self.segments, segments, strict=True):
            if pattern[:1] == "{":
                if not segment:
                    return None
                parameters[pattern[1:-1]] = segment
            elif pattern != segment:
                return None
        return parameters

    def could_find(self, parameters: dict[str, str]) -> bool:
        """Return whether the parameters are valid keys of the generated operations here."""
        handlers = [handler for handler, _ in self.routes.values()]
        return all(getattr(handler, "could_find", _always)(parameters) for handler in handlers)


def _always(_: dict[str, str]) -> bool:
    return True


class RouteTable:
    """All routes of an application, also those that are added later.

    Args:
        routes: The application's own list of routes, which may grow.
        access: The access of routes that do not declare it themselves, by path template or prefix
            of a mount.
        library_paths: The paths of the library's own routes, which reject headers that they cannot
            honour.

    Raises:
        UndeclaredAccess: A route has no access.
        RouteError: A route has two, which differ.
        UnsupportedRoute: A route is of an unsupported type.
    """

    def __init__(
        self,
        routes: Sequence[BaseRoute],
        access: Mapping[str, Access],
        library_paths: Collection[str] = (),
    ) -> None:
        self._routes = routes
        self._library_paths = library_paths
        self._declared = access
        self._load()

    def _load(self) -> None:
        self._known, routes = len(self._routes), list_routes(self._routes)
        self._all_known = len(routes)  # With those of included routers.
        self._paths: dict[str, _Path] = {}
        self._others: list[tuple[RouteContext, ASGIApp, Access]] = []
        # 404 requires a token unless all routes are public.
        self._not_found_access = PUBLIC
        for route in routes:
            self._add(route)
        self._static = {p.template: p for p in self._paths.values() if "{" not in p.template}
        self._dynamic: dict[tuple[int, str], list[_Path]] = {}
        self._leading: dict[int, list[_Path]] = {}  # Templates that begin with a parameter.
        for path in self._paths.values():
            if path.segments[1][:1] == "{":
                self._leading.setdefault(len(path.segments), []).append(path)
            elif "{" in path.template:
                key = (len(path.segments), path.segments[1])
                self._dynamic.setdefault(key, []).append(path)

    def _add(self, route: RouteContext) -> None:
        template = route.path or ""
        declared, listed = declared_access(route), self._declared.get(template)
        access = declared or listed
        if declared and listed and declared != listed:
            raise RouteError(
                f"the route {template} declares its access twice: remove the decorator of its"
                " endpoint or the entry in access={...}"
            )
        if access is None:
            raise UndeclaredAccess(
                f"the route {template or route.original_route!r} must declare its access: decorate"
                " its endpoint with @public, @authenticated or @requires, or add it to access={...}"
            )
        if not access.public:
            self._not_found_access = AUTHENTICATED
        # Generated operations do not need the middleware of FastAPI's routes.
        handler = getattr(route, "operation", None) or wrap_framework_route(route)
        if template in self._library_paths:
            handler = RejectUnsupportedHeaders(handler)
        is_route = isinstance(route.original_route, Route) and route.methods
        if not is_route or not _INDEXED.fullmatch(template):
            self._others.append((route, handler, access))
            return
        path = self._paths.setdefault(template, _Path(template, tuple(template.split("/"))))
        for method in route.methods or ():
            path.routes.setdefault(method, (handler, access))

    def resolve(self, scope: Scope, state: RequestState) -> None:
        """Store the operation in the request state, and path parameters in the scope."""
        if len(self._routes) != self._known:
            self._load_added()
        # In a mounted application the path begins after the mount.
        requested: str = get_route_path(scope) if scope.get("root_path") else scope["path"]
        if requested[-1:] == "/" and len(requested) > 1:
            requested = requested[:-1]
        path = self._static.get(requested)
        parameters: dict[str, str] = {}
        if path is None:
            if requested[:1] != "/":
                _resolve_target(scope, state)
                return
            path, parameters = self._first_match(requested, scope)
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

    def _first_match(self, requested: str, scope: Scope) -> tuple[_Path | None, dict[str, str]]:
        """Return the first matching template with parameters, and their values."""
        raw = scope.get("raw_path")
        if self._leading or raw is None or b"%" in raw or "%" in requested:
            return next(self._matches(requested, scope), (None, {}))
        # The common case: nothing to decode, one list of candidates.
        segments = requested.split("/")
        for candidate in self._dynamic.get((len(segments), segments[1]), ()):
            parameters = candidate.parameters(segments)
            if parameters is not None:
                return candidate, parameters
        return None, {}

    def _matches(self, requested: str, scope: Scope) -> Iterator[tuple[_Path, dict[str, str]]]:
        """Yield the matching templates with parameters, and their values."""
        segments = _segments(requested, scope)
        if "\ufffd" in requested or "%" in requested:
            _check_encoding(scope.get("raw_path"))
        candidates: Sequence[_Path] = self._dynamic.get((len(segments), segments[1]), ())
        if self._leading:
            candidates = (*candidates, *self._leading.get(len(segments), ()))
        for candidate in candidates:
            parameters = candidate.parameters(segments)
            if parameters is not None:
                yield candidate, parameters

    def _resolve_method(
        self, requested: str, path: _Path, scope: Scope, state: RequestState
    ) -> None:
        """Resolve a request whose method the first template does not allow: another may.

        ``GET /parts/upload`` is the part with that key if only ``POST /parts/upload`` is an upload.
        """
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        others = [
            (other, parameters)
            for other, parameters in self._matches(requested, scope)
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
        # 405 requires the access of one of the methods.
        state.access = next(access for _, access in path.routes.values())
        allow = sorted({*path.allow, *(name for other, _ in others for name in other.allow)})
        if method == "OPTIONS":
            state.operation = _options_response(allow)
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
            state.operation, state.access = NotFound(), self._not_found_access
        else:
            route, state.access = partial
            state.route = route.path
            allow = ", ".join(sorted(route.methods or ()))
            state.operation = MethodNotAllowed(headers={"Allow": allow})

    def _load_added(self) -> bool:
        """Load routes that were added at runtime; log and ignore invalid ones."""
        before = dict(vars(self))
        try:
            self._load()
        except (UndeclaredAccess, UnsupportedRoute) as error:
            vars(self).update(before)
            self._known = len(self._routes)
            self._all_known = _count(self._routes)
            _log.error("route not added", error=str(error))
            return False
        return True

    def _load_included(self) -> bool:
        """Load routes that were added to an included router; return whether there were any."""
        has_included = self._all_known != self._known
        return has_included and _count(self._routes) != self._all_known and self._load_added()


def _count(routes: Sequence[BaseRoute]) -> int:
    return sum(1 for _ in iter_route_contexts(routes))


def _resolve_target(scope: Scope, state: RequestState) -> None:
    """Resolve a request whose target is not a path (RFC 9112, section 3.2)."""
    state.access = PUBLIC  # The response discloses nothing.
    if scope["path"] == "*" and scope["method"] == "OPTIONS":
        state.operation = _options_response(_METHODS)
    else:
        state.operation = BadRequest("The request target must be a path that begins with /")


def _segments(path: str, scope: Scope) -> list[str]:
    """Split a path; a percent-encoded slash is part of its segment (RFC 3986)."""
    raw: bytes | None = scope.get("raw_path")
    if raw is None or b"%2f" not in raw.lower():
        return path.split("/")
    segments = raw.partition(b"?")[0].rstrip(b"/").decode("ascii", "replace").split("/")
    if len(path) < len(scope["path"].rstrip("/")):  # Mounted: drop the segments of the mount.
        del segments[1 : scope["root_path"].count("/") + 1]
    return [unquote(segment) for segment in segments]


def _check_encoding(raw: bytes | None) -> None:
    """Reject a path with an invalid or ambiguous encoding. Raises ``BadRequest``."""
    if raw is None:
        return
    try:
        unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise BadRequest("The path is not UTF-8") from error
    if _INVALID_ESCAPE.search(raw):
        raise BadRequest("The path has a % without two hexadecimal digits")


def _options_response(allow: list[str]) -> ASGIApp:
    headers = [(b"allow", ", ".join(allow).encode()), (b"content-length", b"0")]

    async def respond(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return respond
