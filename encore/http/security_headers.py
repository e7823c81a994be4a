"""Security headers of every response, for browsers.

JSON must not be sniffed, framed or executed (``default-src 'none'``), nor embedded by pages of
other sites, and no URL is sent in a Referer. Only the docs page runs scripts, so it has a separate
policy: its files, and connections to this service and to the issuer of its token.
Strict-Transport-Security (RFC 6797) is sent if the public URL of the service is https.
"""

from collections.abc import Iterable
from typing import Final

from encore.http.request_state import Header

_NOSNIFF: Final[Header] = (b"x-content-type-options", b"nosniff")
_NO_REFERRER: Final[Header] = (b"referrer-policy", b"no-referrer")
_JSON_POLICY: Final[Header] = (
    b"content-security-policy",
    b"default-src 'none'; frame-ancestors 'none'",
)
_NO_FRAMES: Final[Header] = (b"x-frame-options", b"DENY")
"""For browsers and scanners that do not know ``frame-ancestors``."""

_SAME_ORIGIN: Final[Header] = (b"cross-origin-resource-policy", b"same-origin")
"""No other site may embed a response (Fetch, 3.7). CORS is not limited by it: browsers compare it
only for requests that are made without CORS."""

_NO_BANNER: Final[Header] = (b"server", b"")
"""Overrides the server's own header, which would disclose its name and thereby known flaws."""

_HSTS: Final[Header] = (b"strict-transport-security", b"max-age=31536000")


def security_headers(resource_url: str) -> tuple[Header, ...]:
    """Return the headers of every response.

    Args:
        resource_url: The service's public URL; empty if it is unknown.
    """
    headers = (_NOSNIFF, _NO_REFERRER, _JSON_POLICY, _NO_FRAMES, _SAME_ORIGIN, _NO_BANNER)
    return (*headers, _HSTS) if resource_url.startswith("https://") else headers


def page_policy(*, connect: Iterable[str] = ()) -> dict[str, str]:
    """Return the header of a page that runs scripts, which overrides that of other responses.

    Scripts and styles are files of this service; inline ones are blocked.

    Args:
        connect: Origins that the page's scripts may connect to besides its own.
    """
    sources = " ".join(("'self'", *connect))
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        f" connect-src {sources}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {_JSON_POLICY[0].decode(): policy}
