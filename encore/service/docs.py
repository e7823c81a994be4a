"""The documentation: OpenAPI 3.1 with the scopes of each operation, and Swagger UI beside it.

Swagger UI is served from the ``fastapi-offline`` package, so it works without internet; its
Authorize button gets a token by client credentials.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from encore.auth.challenges import NO_HEADER, add_resource_metadata, no_credentials
from encore.errors import NotFound, Unauthorized
from encore.http.access import PUBLIC, Access, public
from encore.http.application import Application
from encore.http.framework_routes import declared_access, list_routes
from encore.http.security_headers import page_policy
from encore.openapi.document import make_document
from encore.openapi.problems import PROBLEM, PROBLEM_CONTENT

HOME: Final = "/"
OPENAPI: Final = "/openapi.json"
DOCS: Final = "/docs"
ASSETS: Final = "/docs-assets"
_SCHEME: Final = "client_credentials"
_IS_FASTAPIS: Final = "application/json"
"""The media type of FastAPI's own refusals; ours are problems."""

_INLINE: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_REFUSALS: Final = {
    "401": "No valid token",
    "403": "The token lacks the scope",
    "503": "The keys of the token's issuer are unavailable",
}


def add_docs(app: FastAPI, *, token_url: str, default: Access) -> None:
    """Add the page, its assets and what FastAPI does not say in ``/openapi.json``.

    Args:
        app: Was made with ``openapi_url=OPENAPI`` and ``docs_url=None``.
        token_url: Where the Authorize button asks for tokens.
        default: What operations ask of a token that do not say so themselves.
    """
    issuer = urlsplit(token_url)

    async def docs(request: Request) -> HTMLResponse:
        prefix = _prefix(request)
        page = get_swagger_ui_html(
            openapi_url=f"{prefix}{OPENAPI}",
            title=app.title,
            swagger_js_url=f"{prefix}{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{prefix}{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{prefix}{ASSETS}/favicon.png",
            init_oauth={"scopes": " ".join(default.all_of)},
        )
        scripts = _INLINE.findall(bytes(page.body).decode())
        origin = f"{issuer.scheme}://{issuer.netloc}"
        page.headers.update(page_policy(scripts=scripts, connect=[origin]))
        return page

    assets = Path(fastapi_offline.__file__).parent / "static"
    app.router.routes.append(Route(DOCS, docs, include_in_schema=False))
    app.router.routes.append(Mount(ASSETS, StaticFiles(directory=assets)))

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _secured(make_document(app), app, token_url)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way


def add_home(app: Application, resource_metadata: str | None, *, has_public_docs: bool) -> None:
    """Add ``/``, which points to the documentation; to be called when all routes are known.

    Args:
        app: Keeps its own route or mount at ``/``, if it has one.
        resource_metadata: URL of the service's metadata (RFC 9728), for the challenge.
        has_public_docs: Whether callers without a token are told where the documentation is.
    """

    @public
    async def home(request: Request) -> Response:
        try:
            return _home(request, has_public_docs=has_public_docs)
        except Unauthorized as error:
            if resource_metadata is not None:
                add_resource_metadata(error, resource_metadata)
            raise

    if not any((route.path or HOME) == HOME for route in list_routes(app.router.routes)):
        app.router.routes.append(Route(HOME, home, include_in_schema=False))
        app.library_paths.add(HOME)


def _prefix(request: Request) -> str:
    """Return the path under which the service is mounted, quoted for HTML and scripts."""
    return quote(request.scope.get("root_path", "").rstrip("/"))


def _home(request: Request, *, has_public_docs: bool) -> Response:
    """Send browsers to the documentation; refuse other callers, and name it (RFC 8631)."""
    if not has_public_docs and "authorization" not in request.headers:
        raise no_credentials(NO_HEADER, "no-credentials")
    prefix = _prefix(request)
    docs = f"{prefix}{DOCS}"
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(docs, status_code=303)
    link = {"Link": f'<{docs}>; rel="service-doc", <{prefix}{OPENAPI}>; rel="service-desc"'}
    if "authorization" in request.headers:
        raise NotFound(f"There is nothing here; {docs} lists what there is", headers=link)
    error = no_credentials(
        f"You must send an Authorization header; {docs} says how", "no-credentials"
    )
    error.headers.update(link)
    raise error


def _secured(schema: dict[str, Any], app: FastAPI, token_url: str) -> dict[str, Any]:
    """Add the scopes of each operation; remove FastAPI's 422, which is never sent."""
    used: set[str] = set()
    for operation, access in _operations(schema, app):
        responses = operation["responses"]
        if _IS_FASTAPIS in responses.get("422", {}).get("content", ()):
            del responses["422"]
        if access.public:
            continue
        operation["security"] = _requirements(access)
        used |= access.scopes()
        for status, description in _REFUSALS.items():
            responses.setdefault(status, {"description": description, "content": PROBLEM_CONTENT})
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = PROBLEM
    components["securitySchemes"] = {
        _SCHEME: {
            "type": "oauth2",
            "flows": {
                "clientCredentials": {
                    "tokenUrl": token_url,
                    "scopes": {scope: f"Holds {scope}" for scope in sorted(used)},
                }
            },
        }
    }
    return schema


def _operations(schema: dict[str, Any], app: FastAPI) -> Iterator[tuple[dict[str, Any], Access]]:
    """Yield each described operation with the access that it requires."""
    for route in list_routes(app.routes):
        operations = schema["paths"].get(route.path_format or route.path, {})
        access = declared_access(route) or PUBLIC
        for method in route.methods or ():
            if method.lower() in operations:
                yield operations[method.lower()], access


def _requirements(access: Access) -> list[dict[str, list[str]]]:
    """Return the alternatives, one of which a token must satisfy."""
    alternatives = [[scope] for scope in access.any_of] or [[]]
    return [{_SCHEME: [*access.all_of, *one]} for one in alternatives]
