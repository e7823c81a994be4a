"""Strict JSON (RFC 8259): NaN and Infinity are errors, like nesting deeper than Python supports."""

from typing import Any, NoReturn


def parse_json(raw: str, **options: Any) -> Any:
    """Return the value of JSON text.

    Args:
        raw: The text.
        options: Further arguments of ``json.loads``.

    Raises:
        ValueError: The text is not JSON.
    """
    import json  # noqa: PLC0415 - start-up: neither usage nor help needs it.

    try:
        return json.loads(raw, parse_constant=reject_constant, **options)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def reject_constant(name: str) -> NoReturn:
    """Raise ``ValueError``: the ``parse_constant`` of strict JSON."""
    raise ValueError(f"{name} is not JSON")
