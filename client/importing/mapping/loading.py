"""Reads and validates a mapping file (TOML)."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from client.importing.mapping.condition_checks import check_conditions
from client.importing.mapping.field_checks import check_fields
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.keys import KEYS, as_strings, check_keys
from client.importing.mapping.layout_checks import check_layout
from client.importing.mapping.notation_checks import check_notations
from client.importing.mapping.overrides import apply_overrides
from client.importing.mapping.shipped import shipped_mappings
from client.importing.mapping.source_keys import validate_headers, validate_paging
from client.importing.mapping.value_checks import check_values
from client.importing.suggestions import suggest
from client.importing.targets.target import Target
from client.importing.targets.timesheets import TIMESHEETS
from encore.client.errors import ConfigurationError


def load_mapping(
    path: Path | None, overrides: Iterable[str] = (), target: Target = TIMESHEETS
) -> FieldMapping:
    """Read and validate a mapping file.

    Args:
        path: The file, or the name of a shipped mapping; None for none.
        overrides: Keys that replace those of the file (see ``overrides``).
        target: What is imported into.

    Raises:
        ConfigurationError: The file cannot be read, or its content is invalid.
        UsageError: An override is not ``KEY=VALUE``.
    """
    content = {} if path is None else _read_content(path)
    overrides = tuple(overrides)
    apply_overrides(content, overrides)
    try:
        return build_mapping(content, target)
    except ValueError as error:
        name = f"{path or 'The mapping'}{' with --set' if overrides else ''}"
        raise ConfigurationError(f"{name}: {error}.") from error


def _read_content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_resolve(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is not TOML in UTF-8: {error}.") from error


def _resolve(path: Path) -> Path:
    """Return the file of a shipped mapping for its name, and any other path as it is.

    Raises:
        ConfigurationError: The name is a file as well, or neither.
    """
    shipped = shipped_mappings()
    name = str(path)
    if len(path.parts) != 1 or path.suffix:
        return path
    if name in shipped:
        if path.is_file():
            raise ConfigurationError(
                f"{name} is a shipped mapping and a file here: rename the file, to select either."
            )
        return shipped[name].path
    if not path.exists():
        raise ConfigurationError(
            f"{name!r} is neither a file nor a shipped mapping{suggest(name, tuple(shipped))}."
        )
    return path


def check_mapping(mapping: FieldMapping) -> None:
    """Validate a mapping that a program has built, like the content of a file.

    Raises:
        ConfigurationError: It is invalid; the message names table and key.
    """
    plain = FieldMapping()
    content = {
        name: _to_toml(value)
        for name in KEYS
        if (value := getattr(mapping, name)) != getattr(plain, name)
    }
    try:
        build_mapping(content, mapping.target)
    except ValueError as error:
        raise ConfigurationError(f"The mapping: {error}.") from error


def _to_toml(value: Any) -> Any:
    """Return a value with the types of parsed TOML."""
    if isinstance(value, Mapping):
        return {name: _to_toml(member) for name, member in value.items()}
    return list(value) if isinstance(value, tuple) else value


def build_mapping(content: dict[str, Any], target: Target = TIMESHEETS) -> FieldMapping:
    """Validate the content of a mapping file.

    Raises:
        ValueError: It is invalid; the message names table and key, and what may be there.
    """
    check_keys(content)
    check_fields(content, target)
    check_values(content, target)
    check_conditions(content)
    check_notations(content, target)
    check_layout(content)
    validate_headers(content.get("headers", {}))
    for table in ("skip", "only"):
        if table in content:
            patterns = content[table]
            content[table] = {column: as_strings(patterns[column]) for column in patterns}
    mapping = FieldMapping(**content, target=target)
    validate_paging(mapping)
    return mapping
