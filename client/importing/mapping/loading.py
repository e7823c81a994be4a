"""Reads and validates a mapping file (TOML)."""

import tomllib
from pathlib import Path
from typing import Any

from client.errors import ConfigurationError
from client.importing.mapping.condition_checks import check_conditions
from client.importing.mapping.field_checks import check_fields
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.keys import as_strings, check_keys
from client.importing.mapping.layout_checks import check_layout
from client.importing.mapping.notation_checks import check_notations
from client.importing.mapping.source_keys import validate_headers, validate_paging
from client.importing.mapping.value_checks import check_values


def load_mapping(path: Path) -> FieldMapping:
    """Read and validate a mapping file.

    Raises:
        ConfigurationError: The file cannot be read, or its content is invalid.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is not TOML in UTF-8: {error}.") from error
    try:
        return build_mapping(content)
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}.") from error


def build_mapping(content: dict[str, Any]) -> FieldMapping:
    """Validate the content of a mapping file.

    Raises:
        ValueError: It is invalid; the message names table and key, and what may be there.
    """
    check_keys(content)
    for check in (
        check_fields,
        check_values,
        check_conditions,
        check_notations,
        check_layout,
    ):
        check(content)
    validate_headers(content.get("headers", {}))
    for table in ("skip", "only"):
        if table in content:
            patterns = content[table]
            content[table] = {column: as_strings(patterns[column]) for column in patterns}
    mapping = FieldMapping(**content)
    validate_paging(mapping)
    return mapping
