"""Where the documentation is, and the paths under which callers know it."""

from typing import Final
from urllib.parse import quote

from starlette.types import Scope

from encore.http.forwarded import TrustedProxies

HOME: Final = "/"
OPENAPI: Final = "/openapi.json"
DOCS: Final = "/docs"
REDIRECT: Final = "/docs/oauth2-redirect"
"""Where an issuer sends a browser back to, with an authorization code."""

ASSETS: Final = "/docs-assets"


def external_prefix(scope: Scope, proxies: TrustedProxies) -> str:
    """Return the path before this service's own paths, percent-encoded; empty for none.

    It is what trusted proxies have removed (``X-Forwarded-Prefix``), followed by the path under
    which the application is mounted, or its ``root_path``. A ``root_path`` that was set to what the
    proxy removes, as FastAPI documents it, is not counted twice.

    Raises:
        BadRequest: A trusted proxy sent a value that is not a path.
    """
    forwarded = proxies.forwarded_prefix(scope)
    mounted = quote(scope.get("root_path", "").rstrip("/"))
    if f"{mounted}/".startswith(f"{forwarded}/"):
        return mounted
    return forwarded + mounted
