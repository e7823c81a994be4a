"""The settings of the issuer: its URL, its clients, its tokens.

Owns the parsing of the issuer's URL into origin, host, port and path, and rejects URLs with which
a development issuer must not run. The caller loads the values.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from encore.issuer.clients import PublicClient, check_redirect_uri
from encore.issuer.scope_descriptions import OPENID_SCOPES
from encore.issuer.startup_errors import IssuerSettingsError
from encore.issuer.users import DEFAULT_USERS, User, check_users

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
    """A parsed issuer URL.

    Args:
        origin: Scheme, host and port, without a trailing slash.
        host: In lower case, an IPv6 address without brackets.
        port: The TCP port.
        path: For example ``/oauth2/default`` (Okta); ``/`` for an Auth0-compatible issuer only.
    """

    origin: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, issuer: str) -> "IssuerLocation":
        """Parse an issuer URL.

        Raises:
            IssuerSettingsError: It is not http, not loopback, or its path fits neither vendor.
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
    """The settings of the issuer.

    Args:
        issuer: The Okta-compatible issuer, ``http://localhost:3001/oauth2/default``. The
            Auth0-compatible issuer has the same origin: ``http://localhost:3001/``. If this is an
            origin and a slash, there is only the Auth0-compatible issuer.
        audience: ``aud`` of Okta-compatible tokens.
        auth0_audience: ``aud`` of Auth0-compatible tokens; by default ``audience``.
        clients: Client secrets by client id. Never printed.
        redirect_uris: Where these clients may be sent authorization codes.
        public_clients: The clients without a secret.
        users: Whom the consent page offers; the first is preselected.
        scope_descriptions: What scopes allow, in words, for the consent page.
        resources: What clients may name as ``resource`` (RFC 8707) besides the audiences: the URLs
            of the service.
        default_scopes: Scopes of Auth0-compatible tokens if the request names none; listed in the
            discovery documents.
        token_seconds: Lifetime of a token, in seconds.
        rfc9068: Whether tokens have all that RFC 9068 requires.
        revoked_tokens_file: File to which the ``jti`` of each revoked token is appended, one a
            line, for services that only verify signatures; None for no file.
        keep_alive_seconds: How long a connection may wait for complete request headers, in seconds.

    Raises:
        IssuerSettingsError: The issuer must not run with these settings.
    """

    issuer: str
    audience: str
    auth0_audience: str | None = None
    clients: Mapping[str, str] = field(repr=False)
    redirect_uris: Sequence[str] = ()
    public_clients: Sequence[PublicClient] = ()
    users: Sequence[User] = DEFAULT_USERS
    scope_descriptions: Mapping[str, str] = field(default_factory=dict)
    resources: Sequence[str] = ()
    default_scopes: Sequence[str]
    token_seconds: int = 3600
    rfc9068: bool = False
    revoked_tokens_file: Path | None = None
    keep_alive_seconds: int = 75

    def __post_init__(self) -> None:
        """Reject settings that would fail later: at the first request, or on another machine."""
        self.location  # noqa: B018 - evaluated for its errors
        if self.token_seconds < 1:
            raise IssuerSettingsError("The life of a token must be at least 1 second.")
        if not self.clients or not all(i and s for i, s in self.clients.items()):
            raise IssuerSettingsError("CLIENT_ID and CLIENT_SECRET must not be empty.")
        ids = [*self.clients, *(client.id_ for client in self.public_clients)]
        if not all(ids):
            raise IssuerSettingsError("The id of a public client must not be empty.")
        if len(set(ids)) < len(ids):
            raise IssuerSettingsError("CLIENT_ID must not be the id of a public client.")
        for uris in (self.redirect_uris, *(c.redirect_uris for c in self.public_clients)):
            for uri in uris:
                check_redirect_uri(uri)
        check_users(self.users, ids)

    @cached_property
    def location(self) -> IssuerLocation:
        """The parsed issuer URL."""
        return IssuerLocation.parse(self.issuer)

    @property
    def has_okta_shape(self) -> bool:
        """Whether the issuer has a path, and thus Okta-compatible endpoints."""
        return self.location.path != "/"

    @property
    def auth0_issuer(self) -> str:
        """The Auth0-compatible issuer, with its trailing slash."""
        return f"{self.location.origin}/"

    @property
    def auth0_audiences(self) -> tuple[str, ...]:
        """The audiences that an Auth0-compatible request may name; the first is the default."""
        audiences = (self.auth0_audience, self.audience)
        return tuple(dict.fromkeys(audience for audience in audiences if audience))

    def redirect_uris_of(self, client_id: str) -> Sequence[str] | None:
        """Return the redirect URIs of a client; None if the client is unknown."""
        if client_id in self.clients:
            return self.redirect_uris
        return next((c.redirect_uris for c in self.public_clients if c.id_ == client_id), None)

    def client_name(self, client_id: str) -> str:
        """Return what the consent page calls a client."""
        names = {client.id_: client.name for client in self.public_clients}
        return names.get(client_id, client_id)

    def has_device_flow(self, client_id: str) -> bool:
        """Return whether a client may use the device flow, as those with a secret may."""
        return client_id in self.clients or any(
            client.has_device_flow for client in self.public_clients if client.id_ == client_id
        )

    @cached_property
    def user_scopes(self) -> Sequence[str]:
        """The scopes that clients may ask users for."""
        of_users = (scope for user in self.users for scope in user.scopes or ())
        return tuple(dict.fromkeys((*self.default_scopes, *of_users, *OPENID_SCOPES)))
