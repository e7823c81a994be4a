"""Where an issuer logs persons in and issues tokens: its authorization and token endpoints.

From its discovery document (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2), which is
read anyway to find its keys; until that was read, from the paths that vendors use.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from encore.auth.trusted_issuer import is_loopback, is_safe_url

_HOST: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+(?:[/?]|$)")
"""Nothing that would end a directive of a Content-Security-Policy, which names the origin."""

_OKTA: Final = "/oauth2/"
_KEYCLOAK: Final = "/realms/"
_ENTRA_HOST: Final = "login.microsoftonline.com"
_ENTRA_VERSION: Final = "/v2.0"


@dataclass(frozen=True, slots=True)
class IssuerEndpoints:
    """The endpoints of an issuer (RFC 6749 section 3).

    Attributes:
        authorization: Where a browser asks for an authorization code; empty if there is none.
        token: Where tokens are requested; empty if it is not known.
    """

    authorization: str = ""
    token: str = ""


UNKNOWN: Final = IssuerEndpoints()


def find_endpoints(issuer: str, metadata: Mapping[str, Any]) -> IssuerEndpoints:
    """Return the endpoints of an issuer.

    Args:
        issuer: The issuer.
        metadata: Its discovery document; empty if it has not been read.
    """
    token = _endpoint(metadata, "token_endpoint")
    if token:
        return IssuerEndpoints(_endpoint(metadata, "authorization_endpoint"), token)
    return _vendor_endpoints(issuer)


def _endpoint(metadata: Mapping[str, Any], name: str) -> str:
    """Return a URL of the metadata; empty for none, and for one that browsers must not use."""
    url = metadata.get(name)
    if isinstance(url, str) and is_safe_url(url, loopback=True) and _HOST.match(url):
        return url
    return ""


def _vendor_endpoints(issuer: str) -> IssuerEndpoints:
    """Return the endpoints at the paths of the issuer's vendor; none for an unknown vendor."""
    parts = urlsplit(issuer)
    if parts.path == "/":  # Auth0's issuers end so.
        return IssuerEndpoints(f"{issuer}authorize", f"{issuer}oauth/token")
    base = issuer.rstrip("/")
    if parts.hostname == _ENTRA_HOST and base.endswith(_ENTRA_VERSION):
        base = f"{base.removesuffix(_ENTRA_VERSION)}/oauth2{_ENTRA_VERSION}"
        return IssuerEndpoints(f"{base}/authorize", f"{base}/token")
    if _KEYCLOAK in parts.path:
        base = f"{base}/protocol/openid-connect"
        return IssuerEndpoints(f"{base}/auth", f"{base}/token")
    # On loopback it is the development issuer, whose path may be any.
    if parts.path.startswith(_OKTA) or is_loopback(parts.hostname or ""):
        return IssuerEndpoints(f"{base}/v1/authorize", f"{base}/v1/token")
    return UNKNOWN
