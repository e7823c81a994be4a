"""The principal of a request: a user, or a client that calls for itself (client credentials).

Okta and Auth0 distinguish the two by ``sub``: a client's own token repeats the client id there
(Okta: ``sub`` equals ``cid``; Auth0: ``<client id>@clients``, and ``gty`` is
``client-credentials``). A setting says which claim identifies a user, since Auth0's sample uses a
namespaced e-mail claim.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from encore import Context
from encore.errors import Forbidden
from encore.extensions import RequestState

MAX_NAME: Final = 100
"""The maximum length of a user's name, in characters: the length of ``timesheets.user_id``."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The user or the client that makes a request.

    Attributes:
        client: The client id; None if the token has none.
        user: The user; None if the client calls for itself.
    """

    client: str | None
    user: str | None

    @property
    def name(self) -> str:
        """The name to record: the user's, otherwise the client id."""
        return self.user or self.client or "unknown"


@dataclass(frozen=True, slots=True)
class PrincipalResolver:
    """Resolves the principal of a request from the claims of its access token.

    Attributes:
        user_claim: The claim that identifies a user.
    """

    user_claim: str

    def resolve(self, state: RequestState) -> Principal:
        """Return the principal of a request.

        Raises:
            Forbidden: The claim of a user's token is missing, is not a string, or is too long.
        """
        claims, client = state.claims, state.client_id
        if _is_client_token(claims, client):
            return Principal(client or claims.get("sub"), None)
        user = claims.get(self.user_claim)
        if not isinstance(user, str) or not user:
            raise Forbidden(
                f"The token does not identify a user: its claim {self.user_claim} is missing",
                reason="claim-user",
            )
        if len(user) > MAX_NAME:
            raise Forbidden(
                f"The token's claim {self.user_claim} is longer than {MAX_NAME} characters",
                reason="claim-user",
            )
        return Principal(client, user)

    def of_context(self, context: Context) -> Principal:
        """Return the principal of an action's request. Raise ``Forbidden`` like ``resolve``."""
        return self.resolve(RequestState.from_scope(context.scope))

    def restrict_to_own(self, context: Context) -> None:
        """Restrict a user to their own entries; a hook of actions on entries."""
        user = self.of_context(context).user
        if user is not None:
            context.criteria = {"user_id": user}


def _is_client_token(claims: Mapping[str, Any], client: str | None) -> bool:
    """Return whether a token was issued to a client for itself."""
    sub = claims.get("sub")
    if claims.get("gty") == "client-credentials" or sub is None:
        return True
    return client is not None and sub in (client, f"{client}@clients")
