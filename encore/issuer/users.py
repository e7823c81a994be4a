"""The development users: named people with scopes and claims, without passwords.

Whoever can open the consent page may act as any of them; the issuer listens on loopback only.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from encore.issuer.grants import is_user_name
from encore.issuer.scope_descriptions import OPENID_SCOPES
from encore.issuer.scope_parameter import is_scope
from encore.issuer.startup_errors import IssuerSettingsError

_RESERVED: Final = frozenset(
    {
        *("iss", "sub", "aud", "exp", "iat", "nbf", "jti", "azp", "cid", "client_id", "uid"),
        *("scp", "scope", "permissions", "gty", "ver", "nonce", "auth_time", "at_hash"),
    }
)
"""Claims that the issuer sets."""


@dataclass(frozen=True, kw_only=True)
class User:
    """A user whom the consent page offers.

    Args:
        name: The subject: ``sub`` of the tokens (``auth0|<name>`` in Auth0's shape).
        description: Who that is, in words; shown beside the name.
        scopes: What the user may allow a client; None for every scope that the issuer knows.
        claims: Further claims of the user's tokens, such as ``email``.
    """

    name: str
    description: str = ""
    scopes: Sequence[str] | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)

    def allows(self, scope: str) -> bool:
        """Return whether the user may allow a scope."""
        return self.scopes is None or scope in self.scopes or scope in OPENID_SCOPES


DEFAULT_USERS: Final = (User(name="ada"), User(name="grace"))
"""Users with every scope."""


def check_users(users: Sequence[User], client_ids: Collection[str]) -> None:
    """Reject users whose tokens would not say who they are.

    Raises:
        IssuerSettingsError: There are none, or one has an invalid or repeated name, the name of a
            client, an invalid scope, or a claim that the issuer sets.
    """
    if not users:
        raise IssuerSettingsError("The development issuer must have a user.")
    names = [user.name for user in users]
    for user in users:
        if not user.name or not is_user_name(user.name) or names.count(user.name) > 1:
            raise IssuerSettingsError(f"The name of a user is invalid or repeated: {user.name!r}.")
        if user.name.removesuffix("@clients") in client_ids:
            raise IssuerSettingsError(f"The name of a user is the id of a client: {user.name!r}.")
        invalid = [scope for scope in user.scopes or () if not is_scope(scope)]
        if invalid:
            raise IssuerSettingsError(f"A scope of {user.name!r} is invalid: {invalid[0]!r}.")
        reserved = sorted(_RESERVED & user.claims.keys())
        if reserved:
            raise IssuerSettingsError(f"The claim {reserved[0]} of {user.name!r} is the issuer's.")
