"""Descriptions by the arguments of a FastAPI route: ``summary``, ``response_model`` and others.

FastAPI itself evaluates them, so they mean what they mean in a route of FastAPI's.
"""

from collections.abc import Mapping
from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from encore.openapi.components import Components


def describe_by_arguments(
    components: Components, path: str, method: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the operation that FastAPI describes for a route with these arguments.

    Args:
        components: The components of the document; takes the schemas of models.
        path: The path template.
        method: The HTTP method.
        arguments: The arguments of ``APIRoute``, without path and method.
    """

    def endpoint() -> None:
        """Serve OpenAPI alone: the generated route runs the operation."""

    route = APIRoute(path, endpoint, methods=[method], **arguments)
    document = get_openapi(title="", version="", routes=[route])
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        components.schema(name, schema)
    operation: dict[str, Any] = document["paths"][route.path_format][method.lower()]
    return operation
