"""Errors in the code of hooks: raised when a hook runs, logged, and sent as 500."""

from collections.abc import Iterable
from difflib import get_close_matches


class HookError(Exception):
    """A mistake in a hook's code; the message names it, without values of the request."""


class UnknownAttribute(HookError):
    """A hook named an attribute or a relation that does not exist.

    Args:
        resource: The resource's name.
        what: What was looked up: ``attribute``, ``relation``.
        name: The name that the hook used.
        known: The names that exist.
    """

    def __init__(self, resource: str, what: str, name: object, known: Iterable[str]) -> None:
        names = sorted(set(known))
        nearest = get_close_matches(name, names, 1) if isinstance(name, str) else []
        hint = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(names)}"
        super().__init__(f"resource {resource} has no {what} {name!r}: {hint}")
