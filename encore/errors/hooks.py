"""Errors in the code of hooks: raised when a hook runs, logged, and sent as 500."""

from collections.abc import Iterable

from encore.suggestions import suggest


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
        hint = suggest(name if isinstance(name, str) else "", names)
        super().__init__(f"resource {resource} has no {what} {name!r}: {hint}")
