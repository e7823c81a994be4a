"""The OpenAPI document of an application that has generated routes.

Generated routes describe their operations themselves, when the document is first requested.
FastAPI describes its own routes. An application that overrides ``openapi`` itself is not changed.
"""

from abc import abstractmethod
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import Route

from encore.openapi.components import Components


class DescribedRoute(Route):
    """A route that describes its operation in OpenAPI."""

    @abstractmethod
    def describe(self, components: Components) -> dict[str, Any]:
        """Return the Operation Object of the route.

        Args:
            components: Takes what the operation shares with others.
        """


def describe_generated_routes(app: FastAPI) -> None:
    """Include an application's generated routes in its OpenAPI document."""
    if getattr(app.openapi, "__func__", None) is not FastAPI.openapi:
        return
    known = -1

    def openapi() -> dict[str, Any]:
        nonlocal known
        if app.openapi_schema is None or known != len(app.routes):
            known = len(app.routes)
            app.openapi_schema = make_document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way


def make_document(app: FastAPI) -> dict[str, Any]:
    """Return the document of an application, with its own routes and the generated ones."""
    document = _describe_own_routes(app)
    components = Components(document.get("components"))
    for route in app.routes:
        if isinstance(route, DescribedRoute):
            operation = route.describe(components)
            operations = {method.lower(): operation for method in route.methods or ()}
            document["paths"].setdefault(route.path_format, {}).update(operations)
    document["components"] = components.as_dict()
    return document


def _describe_own_routes(app: FastAPI) -> dict[str, Any]:
    """Return FastAPI's document of the routes that are not generated."""
    return get_openapi(
        title=app.title,
        version=app.version,
        openapi_version=app.openapi_version,
        summary=app.summary,
        description=app.description,
        terms_of_service=app.terms_of_service,
        contact=app.contact,
        license_info=app.license_info,
        routes=[route for route in app.routes if not isinstance(route, DescribedRoute)],
        webhooks=app.webhooks.routes,
        tags=app.openapi_tags,
        servers=app.servers,
        separate_input_output_schemas=app.separate_input_output_schemas,
        external_docs=app.openapi_external_docs,
    )
