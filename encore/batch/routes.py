"""The operations that a batch may run: those of the resources of one ``Crud``.

Uploads, batches and the application's own routes are not among them. A route of the application's
own may be more specific than one of a resource, ``/parts/special`` beside ``/parts/{id}``. A
request to it would not reach the resource, so an operation of a batch must not either.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from fastapi import FastAPI
from fastapi.routing import RouteContext
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from encore.batch.body import BatchOperation
from encore.batch.locations import invalid_operation
from encore.endpoints.endpoint import Operation, PipelineRoute
from encore.errors import ApiError, BadRequest
from encore.http.application import Application
from encore.http.framework_routes import list_routes
from encore.http.request_state import RequestState
from encore.http.route_table import RouteTable

_NOT_OF_RESOURCE: Final = (
    "is not the path of a resource's operation: a batch runs those of resources and custom actions,"
    " but no uploads, batches or other routes"
)


class OperationRoutes:
    """Finds the operation of a method and a path.

    Args:
        app: The application.
        routes: The routes of its resources; may grow.
    """

    def __init__(self, app: FastAPI, routes: Sequence[PipelineRoute]) -> None:
        self._app = app
        self._routes = routes
        self._others: dict[str, tuple[RouteContext, ...]] = {}
        self._known = 0

    @cached_property
    def _table(self) -> RouteTable:
        return RouteTable(self._routes, {})

    def resolve(self, requested: BatchOperation, scope: Scope) -> Operation:
        """Return what an operation of a batch runs; store its access and path parameters.

        Args:
            requested: The operation.
            scope: Its request.

        Raises:
            InvalidOperation: No operation that a batch may run has this path.
            MethodNotAllowed: There is one with another method.
        """
        state = RequestState.from_scope(scope)
        state.route = None
        try:
            self._table.resolve(scope, state)
        except BadRequest as error:  # The path is not UTF-8.
            raise invalid_operation(requested, "path", f"is invalid: {error.message}") from None
        operation, template = state.operation, RequestState.from_scope(scope).route
        if template is None or self._is_shadowed(template, scope):
            raise invalid_operation(requested, "path", _NOT_OF_RESOURCE)
        if isinstance(operation, ApiError):
            raise operation
        if not isinstance(operation, Operation):
            raise invalid_operation(requested, "path", _NOT_OF_RESOURCE)
        return operation

    def _is_shadowed(self, template: str, scope: Scope) -> bool:
        """Return whether a request would reach a route of the application's own instead."""
        known = len(self._app.router.routes)
        if known != self._known:
            self._known = known
            self._others.clear()
        others = self._others.get(template)
        if others is None:
            others = self._others[template] = tuple(self._preceding(template))
        return any(route.matches(dict(scope))[0] is Match.FULL for route in others)

    def _preceding(self, template: str) -> list[RouteContext]:
        """Return the routes of the application's own that may precede a resource's."""
        routes = list_routes(self._app.router.routes)
        own = {id(route) for route in self._routes}
        paths = [route.path for route in routes]
        position = paths.index(template) if template in paths else len(routes)
        # A Service tries exact templates first; Starlette's router goes by the order.
        is_ordered = not isinstance(self._app, Application)
        return [
            route
            for index, route in enumerate(routes)
            if id(route.original_route) not in own
            and (_overlaps(route, template) or (is_ordered and index < position))
        ]


def _overlaps(route: RouteContext, template: str) -> bool:
    """Return whether a route of words and whole parameters matches a path of a template."""
    if not _is_plain(route.original_route):
        return False
    ours, theirs = template.split("/"), (route.path or "").split("/")
    return len(ours) == len(theirs) and all(
        a == b or a[:1] == "{" or b[:1] == "{" for a, b in zip(ours, theirs, strict=True)
    )


def _is_plain(route: BaseRoute) -> bool:
    return isinstance(route, Route) and ":" not in route.path
