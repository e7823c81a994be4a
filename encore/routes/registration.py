"""What one ``Crud`` adds to its application: the routes, and the checks that they can be served.

Two routes on one path and method would hide one another, and routes that ask for a token where
nothing verifies one would serve everyone; both stop the start. Whether there is a gate is told
when the application starts, since middleware may be added after the resources. An application that
is mounted in another one gets no lifespan: there each request without verified claims is refused
(``encore.http.require_principal``).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

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
"""The application's middleware verifies callers."""

_PARAMETER: Final = re.compile(r"\{[^{}]*\}")


class Exposed:
    """The routes that one ``Crud`` adds.

    Args:
        app: Gets them.
        gate: ``"app"``, or None where nothing verifies callers.

    Raises:
        ConfigurationError: The application is not one of FastAPI's, or the gate is neither.
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

    def default_access(self, scopes: Sequence[str]) -> Access:
        """Return what operations ask of a token that do not say so themselves."""
        if self._gate is None:
            if scopes:
                named = ", ".join(scopes)
                raise ConfigurationError("Crud", "scopes", f"names {named}, {_UNVERIFIED}")
            return PUBLIC
        return Access(all_of=tuple(scopes))

    def add(self, resource: str, routes: Iterable[Any]) -> None:
        """Add the routes of a resource.

        Raises:
            ConfigurationError: One asks for a token where ``gate=None``, or is there already.
        """
        added = tuple(routes)
        taken = self._taken()
        for route in added:
            if self._gate is None and not route.operation.access.public:
                raise ConfigurationError(resource, "access", f"asks for a token, {_UNVERIFIED}")
            for place in _places(route):
                if place in taken:
                    raise _is_taken(resource, place, taken[place])
        for route in added:
            route.resource = resource
            self._insert(route)
        self._added += added

    def _insert(self, route: PipelineRoute) -> None:
        """Add a route; Starlette's router asks in order, so that words come before parameters."""
        routes = self._app.router.routes
        at = len(routes)
        if "{" not in route.path and not isinstance(self._app, Application):
            named = (i for i, one in enumerate(routes) if "{" in getattr(one, "path", ""))
            at = next(named, at)
        routes.insert(at, route)

    def _taken(self) -> dict[tuple[str, str], Any]:
        """Return the routes there are, by method and path."""
        routes = iter_route_contexts(self._app.router.routes)
        return {place: route for route in routes for place in _places(route)}

    def _check_start(self) -> None:
        """Raise ``ConfigurationError`` if a route could not be served as it was declared."""
        taken = self._taken()
        for route in self._added:
            for place in _places(route):
                if (other := taken[place]).endpoint is not route.endpoint:
                    raise _is_taken(route.resource, place, other)
        self._check_gate()

    def _check_gate(self) -> None:
        """Raise ``ConfigurationError`` if what the resources ask of callers is not verified."""
        for middleware in self._app.user_middleware:
            needs_service = getattr(middleware.cls, "needs_service", False)
            if needs_service and not isinstance(self._app, Application):
                name = getattr(middleware.cls, "__name__", "")
                text = f"must be a Service: {name} does not work in another FastAPI application"
                raise ConfigurationError("Crud", "app", text)
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


def _places(route: Any) -> list[tuple[str, str]]:
    """Return each method and the path of a route; what its parameters are called is all one."""
    shape = _PARAMETER.sub("{}", getattr(route, "path", None) or "")
    return [(method, shape) for method in getattr(route, "methods", None) or ()]


def _is_taken(resource: str, place: tuple[str, str], other: Any) -> ConfigurationError:
    method, _ = place
    owner = getattr(other, "resource", None)
    whose = f"resource {owner}" if owner else "a route of the application's own"
    text = f"{method} {other.path} is {whose} already; give one of them another path"
    return ConfigurationError(resource, "endpoints", text)
