"""Who makes a request on timesheets, and the entries that they see.

A client that calls for itself sees all entries, a user their own. The settings of the token's
issuer say which claim names a user (Auth0's sample uses a namespaced e-mail claim).
"""

from typing import Final

from encore import Context, Principal
from encore.errors import Forbidden

MAX_NAME: Final = 100
"""The maximum length of a user's name, in characters: the length of ``timesheets.user_id``."""


def validate_principal(principal: Principal) -> Principal:
    """Return a principal whose name can be recorded.

    Raises:
        Forbidden: The token names no user, or the name is too long.
    """
    if len(principal.name) > MAX_NAME and not principal.is_client:
        message = f"The name of the token's user is longer than {MAX_NAME} characters"
        raise Forbidden(message, reason="claim-user")
    return principal


def principal_of(context: Context) -> Principal:
    """Return the principal of an action's request. Raise ``Forbidden``."""
    return validate_principal(context.principal)


def restrict_to_own(context: Context) -> None:
    """Restrict a user to their own entries; a hook of actions on entries."""
    user = principal_of(context).user
    if user is not None:
        context.criteria = {"user_id": user}
