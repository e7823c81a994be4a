"""What the issuer is told: its own URL, its clients, what its tokens say.

Owns the reading of the issuer's URL into origin, host, port and path, and the refusal of URLs
under which a development issuer must not run. Where the values come from is the caller's affair.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from encore.issuer.startup_errors import IssuerSettingsError

LOOPBACK = {
    "localhost": ("127.0.0.1", "::1"),
    "127.0.0.1": ("127.0.0.1",),
    "::1": ("::1",),
}
"""Host of an issuer's URL to the addresses that it listens on."""

_OKTA_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_HTTP_PORT = 80


@dataclass(frozen=True)
class IssuerLocation:
    """An issuer's URL, taken apart.

    Args:
        origin: Scheme, host and port, with no final slash.
        host: As written, lower-cased, an IPv6 address without its brackets.
        port: The TCP port.
        path: ``/oauth2/default`` for Okta's shape; ``/`` for an issuer of Auth0's shape alone.
    """

    origin: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, issuer: str) -> "IssuerLocation":
        """Take an issuer's URL apart.

        Raises:
            IssuerRefusedError: It is not http, not loopback, or of neither vendor's shape.
        """
        try:
            parts = urlsplit(issuer)
            port = parts.port
        except ValueError as error:
            raise IssuerSettingsError("ISSUER is not a URL.") from error
        if parts.scheme != "http":
            raise IssuerSettingsError(
                "ISSUER must start with http:// for the development issuer, which has no TLS;"
                " an https issuer runs elsewhere."
            )
        host = (parts.hostname or "").lower()
        if host not in LOOPBACK:
            raise IssuerSettingsError(
                "ISSUER must be on localhost, 127.0.0.1 or [::1] for the development issuer:"
                " it must not be reached from other machines."
            )
        if parts.query or parts.fragment or "@" in parts.netloc or issuer != issuer.strip():
            raise IssuerSettingsError("ISSUER must have no user, query, fragment or blanks.")
        if parts.path != "/" and not _OKTA_PATH.fullmatch(parts.path):
            raise IssuerSettingsError(
                "ISSUER must end with a path and no slash (Okta: /oauth2/default)"
                " or with nothing but a slash (Auth0)."
            )
        if port == 0:
            raise IssuerSettingsError("ISSUER must name the port to listen on, not 0.")
        return cls(f"http://{parts.netloc}", host, port or _HTTP_PORT, parts.path)


@dataclass(frozen=True, kw_only=True)
class IssuerSettings:
    """Everything the issuer needs to know.

    Args:
        issuer: Okta's shape, ``http://localhost:3001/oauth2/default``. Auth0's shape is served
            beside it, with the issuer ``http://localhost:3001/``. An issuer that is itself only
            an origin and a slash is served in Auth0's shape alone.
        audience: ``aud`` of tokens of Okta's shape.
        auth0_audience: ``aud`` of tokens of Auth0's shape; ``audience`` when not given.
        clients: Client id to client secret. Never printed.
        default_scopes: Granted in Auth0's shape when the request names none, and listed in the
            metadata of both.
        token_seconds: Life of a token, in seconds.
        revoked_tokens_file: Where the ``jti`` of each revoked token is written, one a line, for
            services that check signatures alone; None for nowhere.
        keep_alive_seconds: How long a connection may be silent before a request's head is whole.

    Raises:
        IssuerRefusedError: From the constructor, when ``issuer`` is not one to develop on.
    """

    issuer: str
    audience: str
    auth0_audience: str | None = None
    clients: Mapping[str, str] = field(repr=False)
    default_scopes: Sequence[str]
    token_seconds: int = 3600
    revoked_tokens_file: Path | None = None
    keep_alive_seconds: int = 75

    def __post_init__(self) -> None:
        """Refuse what could only fail later: at the first request, or on another machine."""
        self.location  # noqa: B018 - evaluated for its refusals.
        if self.token_seconds < 1:
            raise IssuerSettingsError("The life of a token must be at least 1 second.")
        if not self.clients or not all(i and s for i, s in self.clients.items()):
            raise IssuerSettingsError("CLIENT_ID and CLIENT_SECRET must not be empty.")

    @cached_property
    def location(self) -> IssuerLocation:
        """The issuer's URL, taken apart."""
        return IssuerLocation.parse(self.issuer)

    @property
    def has_okta_shape(self) -> bool:
        """Whether the issuer has a path, and so is served in Okta's shape too."""
        return self.location.path != "/"

    @property
    def auth0_issuer(self) -> str:
        """The issuer of Auth0's shape, with its final slash."""
        return f"{self.location.origin}/"

    @property
    def auth0_audiences(self) -> tuple[str, ...]:
        """The audiences that a request in Auth0's shape may name; the first is the default."""
        named = (self.auth0_audience, self.audience)
        return tuple(dict.fromkeys(audience for audience in named if audience))
