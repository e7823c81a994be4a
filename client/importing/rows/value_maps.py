"""Value maps: what they say = what we say, by [values.FIELD]."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from client.importing.mapping.value_checks import WILDCARD
from client.importing.rows.values import to_text

Parser = Callable[[Any], Any]
_MISSING: Final = object()


def compile_value_map(field: str, table: Mapping[str, Any], parse: Parser, ours: Parser) -> Parser:
    """Return the function that parses a value unless the table has another one for it.

    Args:
        field: Of ours.
        table: Our values by theirs; an empty one counts as missing, and under ``*`` rejects all
            values that are not in the table.
        parse: Parses values that are not in the table.
        ours: Parses our values.

    Returns:
        A function that raises ``ValueError`` with a reason, and returns None for missing.

    Raises:
        ValueError: One of our values is invalid.
    """
    parsed = {
        name: None if value == "" else _parse_ours(field, name, value, ours)
        for name, value in table.items()
    }
    wildcard = parsed.pop(WILDCARD, _MISSING)
    find = parsed.get

    def translate(value: Any) -> Any:
        text = value if value.__class__ is str else to_text(value)
        found = find(text, _MISSING)
        if found is not _MISSING:
            return found
        if not text:
            return None
        if wildcard is None:
            raise ValueError(f"must be one of the values in [values.{field}], not {text[:40]!r}")
        return parse(value) if wildcard is _MISSING else wildcard

    return translate


def _parse_ours(field: str, name: str, value: Any, ours: Parser) -> Any:
    try:
        return ours(value)
    except ValueError as error:
        raise ValueError(f"[values.{field}] {name!r} {error}") from error
