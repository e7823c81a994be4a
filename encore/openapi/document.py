"""The OpenAPI document of an application that has generated routes.

Generated routes describe their operations themselves, when the document is first requested.
FastAPI describes its own routes. An application that overrides ``openapi`` itself is not changed.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from itertools import chain, count
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import Route

from encore.openapi.components import Components
from encore.openapi.names import operation_id, path_words


class DescribedRoute(Route):
    """A route that describes its operation in OpenAPI."""

    @abstractmethod
    def describe(self, components: Components) -> dict[str, Any]:
        """Return the Operation Object of the route; an empty one leaves it out of the document.

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
    paths = document["paths"]
    ids = set(_operation_ids(paths))
    for route in app.routes:
        if isinstance(route, DescribedRoute):
            operation = route.describe(components)
            for method in (route.methods or ()) if operation else ():
                id_ = _unique_id(ids, operation["operationId"], route.path_format, method)
                described = {**operation, "operationId": id_}
                paths.setdefault(route.path_format, {})[method.lower()] = described
    document["components"] = components.as_dict()
    if tags := _tags(document, components):
        document["tags"] = tags
    return document


def _operation_ids(paths: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for item in paths.values():
        for operation in item.values():
            if isinstance(operation, Mapping) and "operationId" in operation:
                yield operation["operationId"]


def _unique_id(taken: set[str], wanted: str, path: str, method: str) -> str:
    """Return an operation id that no other operation has, and take it.

    Args:
        taken: The ids of other operations.
        wanted: The id, if it is free; else one is made of method and path.
        path: The path template.
        method: The HTTP method.
    """
    by_path = operation_id(method, path_words(path))
    numbered = (f"{wanted}_{number}" for number in count(2))
    unique = next(id_ for id_ in chain((wanted, by_path), numbered) if id_ not in taken)
    taken.add(unique)
    return unique


def _tags(document: Mapping[str, Any], components: Components) -> list[dict[str, Any]]:
    """Return the tags of the application, those of generated operations, and other used ones."""
    tags = {tag["name"]: tag for tag in document.get("tags", ())}
    for name, description in components.tags.items():
        tags.setdefault(name, {"name": name, "description": description})
    for item in document["paths"].values():
        for operation in item.values():
            for name in operation.get("tags", ()) if isinstance(operation, Mapping) else ():
                tags.setdefault(name, {"name": name})
    return [*tags.values()]


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
