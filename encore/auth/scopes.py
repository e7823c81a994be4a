"""The scopes that a token holds, against those that an operation needs.

Owns both forms of a scope claim (Okta's list in ``scp``, the space-delimited string of RFC 6749
section 3.3) and the comparison, which is always of whole names: ``parts`` is not in
``parts_manager``. What an operation needs is declared by its route (``Access``).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from encore.auth import challenges
from encore.auth.access_token import AccessToken
from encore.http.access import Access


def parse_scopes(claims: Mapping[str, Any], names: Sequence[str]) -> frozenset[str] | None:
    """Give the scopes of all the named claims together, or None if one of them is ill-typed.

    A claim that is absent holds nothing. A list keeps its items whole: an item with a blank is
    one odd name and not two scopes.
    """
    found: set[str] = set()
    for name in names:
        if name not in claims:
            continue
        value = claims[name]
        # Only the blank divides (RFC 6749 3.3), not what str.split() takes for white space.
        items = value.split(" ") if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            return None
        found.update(items)
    found.discard("")
    return frozenset(found)


def require_scopes(access: Access, grant: AccessToken) -> None:
    """Refuse a grant that does not hold what the operation needs.

    Raises:
        Forbidden: With the scopes that would do in the challenge: all of ``all_of`` and the first
            of ``any_of``, so name the least of the alternatives first.
    """
    all_of, any_of = access.all_of, access.any_of
    if not all_of and not any_of:
        return
    held = grant.scopes
    if held is not None and held.issuperset(all_of) and (not any_of or not held.isdisjoint(any_of)):
        return
    reason = "scope-ill-typed" if held is None else "scope-missing"
    raise challenges.insufficient_scope(" ".join((*all_of, *any_of[:1])), reason)
