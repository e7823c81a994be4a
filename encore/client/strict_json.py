"""Strict JSON (RFC 8259): NaN and Infinity are errors, like nesting deeper than Python supports.

A number beyond the range of ``float`` is one too: it would become Infinity, which is not JSON.
"""

from typing import Any, Final, NoReturn

_INFINITIES: Final = (float("inf"), float("-inf"))


def parse_json(raw: str, **options: Any) -> Any:
    """Return the value of JSON text.

    Args:
        raw: The text.
        options: Further arguments of ``json.loads``.

    Raises:
        ValueError: The text is not JSON, or has a number that Python has not.
    """
    import json  # noqa: PLC0415 - start-up: neither usage nor help needs it.

    try:
        return json.loads(
            raw, parse_constant=reject_constant, **{"parse_float": parse_finite, **options}
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def reject_constant(name: str) -> NoReturn:
    """Raise ``ValueError``: the ``parse_constant`` of strict JSON."""
    raise ValueError(f"{name} is not JSON")


def parse_finite(raw: str) -> float:
    """Return a number. Raise ``ValueError`` if it is beyond the range of ``float``."""
    value = float(raw)
    if value in _INFINITIES:
        raise ValueError(f"{raw[:40]} is beyond the range of numbers")
    return value
