"""The routes that one ``Crud`` adds to its application, and the checks that they can be served.

Two routes with one path and method would shadow each other, and a route that demands a token where
nothing authenticates callers would serve everyone; both stop the start. Whether there is a gate is
checked when the application starts, since middleware may be added after the resources. An
application that is mounted in another has no lifespan: there, every request without verified claims
is rejected (``encore.http.require_principal``).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, cast

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from encore.endpoints.endpoint import PipelineRoute
from encore.errors import ConfigurationError
from encore.http.access import PUBLIC, Access
from encore.http.application import Application
from encore.http.require_principal import (
    NO_VERIFIER,
    AuthenticationStatus,
    authentication_status,
    with_startup_check,
)

APP: Final = "app"
"""The application's middleware authenticates callers."""

_PARAMETER: Final = re.compile(r"\{[^{}]*\}")


class RouteRegistry:
    """The routes that one ``Crud`` adds.

    Args:
        app: The application that they are added to.
        gate: ``"app"``, or None if nothing authenticates callers.

    Raises:
        ConfigurationError: ``app`` is not a FastAPI application, or ``gate`` is invalid.
    """

    def __init__(self, app: FastAPI, gate: Literal["app"] | None) -> None:
        if not isinstance(app, FastAPI):
            raise ConfigurationError("Crud", "app", "must be a Service or a FastAPI application")
        if gate not in (APP, None):
            raise ConfigurationError("Crud", "gate", f"must be {APP!r} or None")
        self._app = app
        self._gate = gate
        self._added: list[PipelineRoute] = []
        router = app.router
        router.lifespan_context = with_startup_check(router.lifespan_context, self._check_start)

    @property
    def routes(self) -> Sequence[PipelineRoute]:
        """The routes that were added; grows with them."""
        return self._added

    def default_access(self, scopes: Sequence[str]) -> Access:
        """Return what operations demand of a token unless they override it."""
        if self._gate is None:
            if scopes:
                named = ", ".join(scopes)
                raise ConfigurationError("Crud", "scopes", f"names {named}, {_UNVERIFIED}")
            return PUBLIC
        try:
            return Access(all_of=cast("tuple[str, ...]", scopes))  # Any iterable; it is checked.
        except ValueError as error:
            raise ConfigurationError("Crud", "scopes", error) from error

    def add(self, resource: str, routes: Iterable[Any]) -> None:
        """Add the routes of a resource.

        Raises:
            ConfigurationError: A route demands a token although ``gate=None``, or exists already.
        """
        added = tuple(routes)
        taken = self._taken()
        for route in added:
            if self._gate is None and not route.operation.access.public:
                raise ConfigurationError(resource, "access", f"asks for a token, {_UNVERIFIED}")
            for key in _route_keys(route):
                if key in taken:
                    raise _is_taken(resource, key, taken[key])
        for route in added:
            route.resource = resource
            self._insert(route)
        self._added.extend(added)

    def _insert(self, route: PipelineRoute) -> None:
        """Add a route; Starlette's router matches in order, so words must precede parameters."""
        routes = self._app.router.routes
        at = len(routes)
        if "{" not in route.path and not isinstance(self._app, Application):
            with_parameters = (
                i for i, other in enumerate(routes) if "{" in getattr(other, "path", "")
            )
            at = next(with_parameters, at)
        routes.insert(at, route)

    def _taken(self) -> dict[tuple[str, str], Any]:
        """Return the existing routes, by method and path."""
        routes = iter_route_contexts(self._app.router.routes)
        return {key: route for route in routes for key in _route_keys(route)}

    def _check_start(self) -> None:
        """Raise ``ConfigurationError`` if a route cannot be served as it was declared."""
        taken = self._taken()
        for route in self._added:
            for key in _route_keys(route):
                if (other := taken[key]).endpoint is not route.endpoint:
                    raise _is_taken(route.resource, key, other)
        self._check_gate()

    def _check_gate(self) -> None:
        """Raise ``ConfigurationError`` if the access that resources demand is not verified."""
        for middleware in self._app.user_middleware:
            needs_service = getattr(middleware.cls, "needs_service", False)
            if needs_service and not isinstance(self._app, Application):
                name = getattr(middleware.cls, "__name__", "")
                message = f"must be a Service: {name} does not work in another FastAPI application"
                raise ConfigurationError("Crud", "app", message)
        gate = authentication_status(self._app.user_middleware)
        if self._gate is None and gate is AuthenticationStatus.VERIFIES:
            raise ConfigurationError(
                "Crud", "gate", "is None, but the application has a middleware that verifies tokens"
            )
        if gate is not AuthenticationStatus.MISSING:
            return
        for route in self._added:
            access = route.operation.access
            if not access.public:
                scopes = ", ".join(sorted(access.scopes())) or "a token"
                raise ConfigurationError(
                    route.resource,
                    "scopes",
                    f"{route.path} asks for {scopes}, and {NO_VERIFIER}: add the gate's middleware,"
                    " or say Crud(..., gate=None) to serve everyone",
                )


_UNVERIFIED: Final = "and gate=None says that no token is verified"


def _route_keys(route: Any) -> list[tuple[str, str]]:
    """Return each method of a route with its path; the names of parameters are left out."""
    template = _PARAMETER.sub("{}", getattr(route, "path", None) or "")
    return [(method, template) for method in getattr(route, "methods", None) or ()]


def _is_taken(resource: str, key: tuple[str, str], other: Any) -> ConfigurationError:
    method, _ = key
    name = getattr(other, "resource", None)
    owner = f"resource {name}" if name else "a route of the application's own"
    message = f"{method} {other.path} is {owner} already; give one of them another path"
    return ConfigurationError(resource, "endpoints", message)
