"""What a client asks a user for: the parameters that authorization and device requests share."""

from encore.issuer.consent import AccessRequest
from encore.issuer.issuer_settings import IssuerSettings
from encore.issuer.oauth_errors import InvalidScopeError, InvalidTargetError
from encore.issuer.parameters import Parameters
from encore.issuer.tokens import TokenProfile


def parse_access(
    settings: IssuerSettings, profile: TokenProfile, client_id: str, parameters: Parameters
) -> AccessRequest:
    """Return what a client asks for.

    Args:
        settings: For the scopes that users may allow.
        profile: The vendor's defaults for scopes and audience.
        client_id: The client.
        parameters: ``scope``, ``resource``, ``audience`` and ``login_hint`` are read.

    Raises:
        InvalidScopeError: A scope is missing, malformed or unknown.
        InvalidTargetError: The resource is not one of this issuer's.
        AccessDeniedError: The audience is not, in Auth0's shape.
    """
    scopes = tuple(profile.scopes(parameters))
    if not set(scopes) <= set(settings.user_scopes):
        raise InvalidScopeError("A scope is not one that a user may allow at this issuer.")
    audience = profile.audience(parameters)
    if parameters.get("audience", audience) != audience:  # Okta's shape knows only resource.
        raise InvalidTargetError("The audience is not the one of this issuer.")
    return AccessRequest(
        client_id=client_id,
        client_name=settings.client_name(client_id),
        scopes=scopes,
        audience=audience,
        login_hint=parameters.get("login_hint"),
    )
