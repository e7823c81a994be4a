"""Who makes a request on timesheets, and the people whose entries they see.

A user sees their own entries, a client that calls for itself those of all people of its issuer: all
entries, unless the issuer's people have names with a prefix. The settings of the issuer say which
claim names a user (Auth0's sample uses a namespaced e-mail claim).
"""

from typing import Final

from sqlalchemy import ColumnElement, func

from api.resources.timesheets.rules.entry_period import INVALID, Attributes
from db.models.timesheet import Timesheet
from encore import Context, Principal, ValidationErrors
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


def restrict_to_visible(context: Context) -> None:
    """Restrict an action on entries to those that its caller sees; a hook."""
    principal = principal_of(context)
    if principal.user is not None:
        context.criteria = {"user_id": principal.user}
    elif principal.prefix:
        context.criteria = has_prefix(principal.prefix)


def is_visible(principal: Principal, user_id: str) -> bool:
    """Return whether a principal sees the entries of a person."""
    if principal.user is not None:
        return user_id == principal.user
    return user_id.startswith(principal.prefix)


def check_person(entry: Attributes, principal: Principal, errors: ValidationErrors) -> None:
    """Validate that a client names a person of its issuer as the person of an entry."""
    user_id = entry.get("user_id")
    if user_id is not None and not is_visible(principal, user_id):
        errors.add("user_id", INVALID, f"must begin with {principal.prefix}, as its issuer's do")


def has_prefix(prefix: str) -> ColumnElement[bool]:
    """Return the condition that the name of an entry's person begins with a prefix."""
    # Not LIKE: on SQLite it ignores the case of letters.
    return func.substr(Timesheet.user_id, 1, len(prefix)) == prefix
