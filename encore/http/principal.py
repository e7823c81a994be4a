"""The principal of a request: who calls, as an issuer and a subject.

A subject is unique at its issuer only (RFC 7519 section 4.1.2), so a principal is always the pair.
Its name stands for the pair in columns such as ``created_by``: names are unique over all trusted
issuers (``encore.auth.principals``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from encore.errors import Forbidden

CLIENT_CLAIMS: Final = ("cid", "client_id", "azp", "appid")
"""The claims for the client of Okta, RFC 9068, OpenID Connect (Auth0, Keycloak) and Entra ID v1, in
order of precedence."""

UNKNOWN: Final = "The token identifies neither a user nor a client: it has no sub"
PRINCIPAL_UNKNOWN: Final = "principal-unknown"
"""The reason code of such a token, for the log."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A user, or a client that calls for itself (RFC 6749 section 4.4).

    Attributes:
        issuer: ``iss`` of the token.
        subject: ``sub`` of the token; the client id if a client's token has none.
        client_id: The client that the token was issued to; None if the token has none.
        is_client: Whether the client calls for itself.
        prefix: What the names of its issuer's users and clients begin with; empty for the first.
    """

    issuer: str
    subject: str
    client_id: str | None
    is_client: bool
    prefix: str = ""
    _name: str | None = field(default=None, repr=False)
    _name_error: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """The name to record, unique over all trusted issuers.

        Raises:
            Forbidden: The token does not identify its user as the settings of its issuer require.
        """
        if self._name is None:
            raise Forbidden(self._name_error, reason="claim-user")
        return self._name

    @property
    def user(self) -> str | None:
        """The name of a user; None for a client that calls for itself. Raises like ``name``."""
        return None if self.is_client else self.name

    @property
    def key(self) -> tuple[str, str | None, str]:
        """Issuer, client and subject: what distinguishes callers in counters and stored keys."""
        return (self.issuer, self.client_id, self.subject)


def find_client_id(claims: Mapping[str, Any]) -> str | None:
    """Return the client that a token was issued to; None if it names none."""
    return next((claims[name] for name in CLIENT_CLAIMS if claims.get(name)), None)


def is_client_token(claims: Mapping[str, Any], client_id: str | None) -> bool:
    """Return whether a token is positively a client's own.

    Okta and RFC 9068 repeat the client id in ``sub``, Auth0 has ``<client id>@clients`` there and
    ``gty`` is ``client-credentials``. A token without ``sub`` is not a client's for that reason.
    """
    if claims.get("gty") == "client-credentials":
        return True
    return client_id is not None and claims.get("sub") in (client_id, f"{client_id}@clients")


def principal_of(claims: Mapping[str, Any], client_id: str | None = None) -> Principal:
    """Return the principal of verified claims, named by ``sub`` or by its client id.

    For middlewares that set claims only; bearer tokens are named by the settings of their issuer.

    Raises:
        Forbidden: The claims identify neither a user nor a client.
    """
    client_id = client_id or find_client_id(claims)
    is_client, subject = is_client_token(claims, client_id), claims.get("sub")
    name = client_id or subject if is_client else subject
    if not name:
        raise Forbidden(UNKNOWN, reason=PRINCIPAL_UNKNOWN)
    issuer = str(claims.get("iss", ""))
    return Principal(issuer, subject or name, client_id, is_client, _name=name)
