"""Errors of query parameters: what is wrong with one, and what is valid instead."""

from collections.abc import Collection

from encore.errors import InvalidQuery
from encore.suggestions import SHOWN, suggest


def invalid_parameter(name: str, reason: str) -> InvalidQuery:
    """Return the error of an invalid parameter value; its message is the name and the reason."""
    message = f"{name[:SHOWN]} {reason}"
    return InvalidQuery(message, [{"field": name[:SHOWN], "message": message}])


def unknown_parameter(
    name: str, known: Collection[str], suggestion: str | None = None
) -> InvalidQuery:
    """Return the error of an unknown parameter.

    Args:
        name: The parameter's name in the request.
        known: The names of all parameters of the operation.
        suggestion: What was probably meant; the most similar of ``known`` by default.
    """
    shown = name[:SHOWN]
    hint = suggest(name, known) if suggestion is None else f"did you mean {suggestion}?"
    return InvalidQuery(
        f"Unknown query parameter {shown!r}: {hint}",
        [{"field": shown, "message": f"{shown} is not a parameter of this operation; {hint}"}],
    )
