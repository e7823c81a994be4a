"""This service's own metadata (RFC 9728): where to get a token for it, and with which scopes.

Built once from the settings: an address taken from the Host header would let whoever can set it
send clients to another issuer. Without RESOURCE_URL there is no route and no word of it.
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
    """Give the path of the metadata; a path of the resource follows it (RFC 9728 3.1)."""
    return WELL_KNOWN + urlsplit(resource_url).path.rstrip("/")


def metadata_url(resource_url: str) -> str:
    """Give the address of the metadata, for ``resource_metadata`` in challenges."""
    parts = urlsplit(resource_url)
    return f"{parts.scheme}://{parts.netloc}{metadata_path(resource_url)}"


def metadata_route(
    resource_url: str, *, name: str, issuers: Iterable[str], scopes: Iterable[str]
) -> Route:
    """Make the route.

    Args:
        resource_url: The resource identifier.
        name: What the service is called.
        issuers: Whose tokens it takes.
        scopes: All scopes that any of its operations asks for.
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
