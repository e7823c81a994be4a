"""Public clients and redirect URIs.

A public client has no secret (RFC 6749 section 2.1), as it is a command-line program, or a page in
a browser. It may only use grants that a user approves.

Redirect URIs are compared as strings (RFC 9700 section 2.1). The only exception is the port of a
URI that is registered without one on 127.0.0.1 or [::1]: programs listen on whatever port is free
(RFC 8252 section 7.3). ``localhost`` has no such exception, as the RFC advises against it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from encore.issuer.startup_errors import IssuerSettingsError

_LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "::1")
_ANY_PORT: Final = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(/.*)?")
_REQUESTED: Final = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\])):([1-9][0-9]{0,4})(/.*)?")
_MAX_PORT: Final = 65_535
_HOST: Final = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]+)?")
_PRINTABLE: Final = re.compile(r"[\x21-\x7E]+")
_PRIVATE_SCHEME: Final = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")
"""Private-use schemes are reversed domain names (RFC 8252 section 7.1), not javascript or data."""


@dataclass(frozen=True, kw_only=True)
class PublicClient:
    """A client without a secret.

    Args:
        id_: Its client id.
        name: What the consent page calls it.
        redirect_uris: Where authorization codes may be sent; empty: the device flow only.
        has_device_flow: Whether it may use the device flow (RFC 8628).
    """

    id_: str
    name: str
    redirect_uris: Sequence[str] = ()
    has_device_flow: bool = False


def is_registered(redirect_uri: str, registered: Iterable[str]) -> bool:
    """Return whether a client may be answered at a URI.

    Args:
        redirect_uri: As requested.
        registered: The redirect URIs of the client.
    """
    return any(redirect_uri == uri or _differs_in_port(redirect_uri, uri) for uri in registered)


def _differs_in_port(redirect_uri: str, registered: str) -> bool:
    allowed, requested = _ANY_PORT.fullmatch(registered), _REQUESTED.fullmatch(redirect_uri)
    if allowed is None or requested is None or int(requested[2]) > _MAX_PORT:
        return False
    return (allowed[1], allowed[2]) == (requested[1], requested[3])


def check_redirect_uri(uri: str) -> None:
    """Reject a URI that must not be registered.

    Raises:
        IssuerSettingsError: It is relative, has a fragment or a user, or is neither https, http on
            loopback, nor of a private-use scheme.
    """
    if not _is_valid(uri):
        raise IssuerSettingsError(
            f"A redirect URI must be https, http on loopback, or of a private-use scheme such as"
            f" com.example.app, without user and fragment, not {uri!r}."
        )


def _is_valid(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    if not _PRINTABLE.fullmatch(uri) or "#" in uri or "@" in parts.netloc or "\\" in uri:
        return False
    if parts.scheme in ("http", "https"):
        # The host is also part of a page's policy, where other characters have a meaning.
        is_host = parts.hostname in _LOOPBACK_HOSTS or _HOST.fullmatch(parts.netloc)
        return bool(is_host) and (parts.scheme == "https" or parts.hostname in _LOOPBACK_HOSTS)
    return bool(_PRIVATE_SCHEME.fullmatch(parts.scheme))
