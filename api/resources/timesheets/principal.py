"""Who calls: a person by a client, or a client for itself (client credentials, no user).

Okta and Auth0 tell the two apart by ``sub``: a client's own token repeats the client there (Okta:
``sub`` is ``cid``; Auth0: ``<client id>@clients``, and ``gty`` says ``client-credentials``). Which
claim names a person is a setting, since Auth0's sample uses a namespaced e-mail claim.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from encore import Context
from encore.errors import Forbidden
from encore.extensions import RequestState

MAX_NAME: Final = 100
"""The longest name of a person, in characters: what an entry's ``user_id`` holds."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls.

    Attributes:
        client: The client's id, where the token names it.
        user: The person; None where a client calls for itself.
    """

    client: str | None
    user: str | None

    @property
    def name(self) -> str:
        """Who answers for what is done: the person, or else the client."""
        return self.user or self.client or "unknown"


@dataclass(frozen=True, slots=True)
class PrincipalReader:
    """Reads the caller off a token.

    Attributes:
        user_claim: The claim that names a person.
    """

    user_claim: str

    def of(self, state: RequestState) -> Principal:
        """Give the caller of a request.

        Raises:
            Forbidden: A person's token that does not name the person, or by too long a name.
        """
        claims, client = state.claims, state.client_id
        if _is_of_client(claims, client):
            return Principal(client or claims.get("sub"), None)
        user = claims.get(self.user_claim)
        if not isinstance(user, str) or not user:
            raise Forbidden(
                f"The token names no user: its claim {self.user_claim} is missing",
                reason="claim-user",
            )
        if len(user) > MAX_NAME:
            raise Forbidden(
                f"The token's claim {self.user_claim} is longer than {MAX_NAME} characters",
                reason="claim-user",
            )
        return Principal(client, user)

    def of_context(self, context: Context) -> Principal:
        """Give the caller of a run of an action."""
        return self.of(RequestState.from_scope(context.scope))

    def narrow(self, context: Context) -> None:
        """Show a person their own entries alone; a hook of actions on entries."""
        user = self.of_context(context).user
        if user is not None:
            context.criteria = {"user_id": user}


def _is_of_client(claims: Mapping[str, Any], client: str | None) -> bool:
    """Tell whether a token is a client's own."""
    sub = claims.get("sub")
    if claims.get("gty") == "client-credentials" or sub is None:
        return True
    return client is not None and sub in (client, f"{client}@clients")
