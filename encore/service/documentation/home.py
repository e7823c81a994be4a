"""``/``: sends browsers to the docs page, and tells other callers where the documentation is."""

from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from encore.auth.challenges import NO_HEADER, add_resource_metadata, no_credentials
from encore.errors import NotFound, Unauthorized
from encore.http.access import public
from encore.http.application import Application
from encore.http.framework_routes import list_routes
from encore.http.media_types import preferred_media_type
from encore.service.documentation.paths import DOCS, HOME, OPENAPI

Prefix = Callable[[Request], str]
"""Returns the path before a service's own paths, as its callers know it."""

_HTML: Final = "text/html"
_PRODUCED: Final = ("application/json", _HTML)
_VARY: Final = {"Vary": "Accept, Authorization"}


def add_home(
    app: Application, prefix: Prefix, *, resource_metadata: str | None, has_public_docs: bool
) -> None:
    """Add ``/``, which points to the documentation; to be called when all routes are known.

    Args:
        app: Keeps its own route or mount at ``/``, if it has one.
        prefix: Returns the path before the service's paths.
        resource_metadata: URL of the service's metadata (RFC 9728), for the challenge.
        has_public_docs: Whether callers without a token are told where the documentation is.
    """

    @public
    async def home(request: Request) -> Response:
        try:
            return _home(request, prefix, has_public_docs=has_public_docs)
        except Unauthorized as error:
            if resource_metadata is not None:
                add_resource_metadata(error, resource_metadata)
            raise

    if not any((route.path or HOME) == HOME for route in list_routes(app.router.routes)):
        app.router.routes.append(Route(HOME, home, include_in_schema=False))
        app.library_paths.add(HOME)


def _home(request: Request, find_prefix: Prefix, *, has_public_docs: bool) -> Response:
    """Send browsers to the documentation; refuse other callers, and name it (RFC 8631)."""
    if not has_public_docs and "authorization" not in request.headers:
        raise no_credentials(NO_HEADER, "no-credentials")
    prefix = find_prefix(request)
    docs = f"{prefix}{DOCS}"
    if preferred_media_type(request.scope, _PRODUCED) == _HTML:
        return RedirectResponse(docs, status_code=303, headers=_VARY)
    link = {"Link": f'<{docs}>; rel="service-doc", <{prefix}{OPENAPI}>; rel="service-desc"'}
    if "authorization" in request.headers:
        raise NotFound(f"There is nothing here; {docs} lists what there is", headers=link | _VARY)
    error = no_credentials(
        f"You must send an Authorization header; {docs} says how", "no-credentials"
    )
    error.headers.update(link | _VARY)
    raise error
