"""Validates [skip] and [only]: which rows are imported."""

from collections.abc import Mapping
from typing import Any

from client.importing.mapping.expressions import parse_expression
from client.importing.mapping.globs import check_glob
from client.importing.mapping.keys import as_strings, check_strings


def check_conditions(content: Mapping[str, Any]) -> None:
    """Validate ``skip`` and ``only``.

    Raises:
        ValueError: A column or a pattern is invalid.
    """
    for table in ("skip", "only"):
        for column, patterns in content.get(table, {}).items():
            key = f"[{table}] {column!r}"
            try:
                parse_expression(column)
            except ValueError as error:
                raise ValueError(f"{key} {error}") from error
            check_strings(key, patterns)
            for pattern in as_strings(patterns):
                _check_pattern(key, pattern)


def _check_pattern(key: str, pattern: str) -> None:
    try:
        check_glob(pattern)
    except ValueError as error:
        raise ValueError(f"{key} = {pattern!r} {error}") from error
