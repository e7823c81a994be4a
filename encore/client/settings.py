"""What the client needs to request a token."""

from typing import NamedTuple


class ClientSettings(NamedTuple):
    """What is needed to request a token.

    Args:
        issuer: With a trailing slash Auth0's token endpoint is used, otherwise Okta's.
        client_id: The OAuth client's id.
        client_secret: The OAuth client's secret; never printed.
        scope: Scopes to request, separated by blanks; empty requests none.
        audience: Sent to Auth0's token endpoint only; Okta's issuer implies its own.
    """

    issuer: str
    client_id: str
    client_secret: str
    scope: str = ""
    audience: str = ""

    def __repr__(self) -> str:
        """Return all but the secret."""
        return (
            f"ClientSettings(issuer={self.issuer!r}, client_id={self.client_id!r},"
            f" scope={self.scope!r}, audience={self.audience!r})"
        )
