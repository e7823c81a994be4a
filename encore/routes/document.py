"""The OpenAPI document of an application that has generated routes.

FastAPI describes only routes of its own class. Generated routes create their descriptions on first
use, so the application's ``openapi`` is replaced by one that asks them. An application that
overrides ``openapi`` itself is not changed.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi


def describe_generated_routes(app: FastAPI) -> None:
    """Include an application's generated routes in its OpenAPI document."""
    if getattr(app.openapi, "__func__", None) is not FastAPI.openapi:
        return
    known = -1

    def openapi() -> dict[str, Any]:
        nonlocal known
        if app.openapi_schema is None or known != len(app.routes):
            known = len(app.routes)
            app.openapi_schema = get_openapi(
                title=app.title,
                version=app.version,
                openapi_version=app.openapi_version,
                summary=app.summary,
                description=app.description,
                terms_of_service=app.terms_of_service,
                contact=app.contact,
                license_info=app.license_info,
                routes=[getattr(route, "described", route) for route in app.routes],
                webhooks=app.webhooks.routes,
                tags=app.openapi_tags,
                servers=app.servers,
                separate_input_output_schemas=app.separate_input_output_schemas,
                external_docs=app.openapi_external_docs,
            )
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way
