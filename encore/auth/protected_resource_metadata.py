"""The protected resource metadata of this service (RFC 9728): its issuers and scopes.

Built once from the settings: with a URL from the Host header, an attacker could direct clients to
another issuer. Without RESOURCE_URL the route does not exist.
"""

import json
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from encore.http.access import public

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
_MAX_AGE_SECONDS: Final = 3600


def metadata_path(resource_url: str) -> str:
    """Return the path of the metadata, followed by the path of the resource (RFC 9728 3.1)."""
    return WELL_KNOWN + urlsplit(resource_url).path.rstrip("/")


def metadata_url(resource_url: str) -> str:
    """Return the URL of the metadata, for ``resource_metadata`` in challenges."""
    parts = urlsplit(resource_url)
    return f"{parts.scheme}://{parts.netloc}{metadata_path(resource_url)}"


def metadata_route(
    resource_url: str, *, name: str, issuers: Iterable[str], scopes: Iterable[str]
) -> Route:
    """Return the route of the metadata.

    Args:
        resource_url: The resource identifier.
        name: The name of the service.
        issuers: The trusted issuers.
        scopes: All scopes that its operations require.
    """
    document = {
        "resource": resource_url,
        "resource_name": name,
        "authorization_servers": list(issuers),
        "scopes_supported": sorted(scopes),
        "bearer_methods_supported": ["header"],
    }
    body = json.dumps(document).encode()
    headers = {"Cache-Control": f"public, max-age={_MAX_AGE_SECONDS}"}

    @public
    async def metadata(_: Request) -> Response:
        return Response(body, media_type="application/json", headers=headers)

    return Route(metadata_path(resource_url), metadata, include_in_schema=False)
