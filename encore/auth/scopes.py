"""The scopes of a token, and their comparison with those that an operation requires.

Owns both formats of a scope claim (Okta's array in ``scp``, the space-delimited string of RFC 6749
section 3.3) and the comparison, which is always of whole names: ``parts`` is not part of
``parts_manager``. The route of an operation declares the required scopes (``Access``).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from encore.auth import challenges
from encore.auth.access_token import AccessToken
from encore.http.access import Access

ANY_MEMBER: Final = "*"
"""A step of a path that is any member of an object."""


def parse_scopes(claims: Mapping[str, Any], names: Sequence[str]) -> frozenset[str] | None:
    """Return the scopes of all the named claims; None if one of them has an invalid type.

    A missing claim has no scopes. The items of an array are not split: an item with a space is one
    scope.

    Args:
        claims: The payload.
        names: Claims, or paths such as ``realm_access.roles``, in which ``*`` is any member.
    """
    scopes: set[str] = set()
    for name in names:
        for value in _find_values(claims, name):
            # Only the space delimits (RFC 6749 3.3), not all white space of str.split().
            items = value.split(" ") if isinstance(value, str) else value
            if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
                return None
            scopes.update(items)
    scopes.discard("")
    return frozenset(scopes)


def _find_values(claims: Mapping[str, Any], name: str) -> list[Any]:
    """Return the values of a claim or, if no claim has this name, of a path to a member."""
    if name in claims or "." not in name:  # Names of claims may contain dots (RFC 7519 4.2).
        return [claims[name]] if name in claims else []
    values: list[Any] = [claims]
    for step in name.split("."):
        objects = [value for value in values if isinstance(value, Mapping)]
        if len(objects) < len(values):
            return [None]  # Not an object, so there can be no member: an invalid type.
        values = [
            member
            for value in objects
            for key, member in value.items()
            if step in (key, ANY_MEMBER)
        ]
    return values


def require_scopes(access: Access, token: AccessToken) -> None:
    """Check that a token has the scopes that an operation requires.

    Raises:
        Forbidden: The challenge lists sufficient scopes: all of ``all_of`` and the first of
            ``any_of``, which should therefore be the least powerful one.
    """
    all_of, any_of = access.all_of, access.any_of
    if not all_of and not any_of:
        return
    if token.scopes is not None and access.permits(token.scopes):
        return
    reason = "scope-ill-typed" if token.scopes is None else "scope-missing"
    raise challenges.insufficient_scope(" ".join((*all_of, *any_of[:1])), reason)
