"""What the client needs to request a token."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
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
    client_secret: str = field(repr=False)
    scope: str = ""
    audience: str = ""
