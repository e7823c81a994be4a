"""Comparison of a body with the stored row, both as JSON.

So the response to a GET can be sent back as a body: read-only members are valid with their stored
value, and rejected with any other.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import UNSET

from encore.http.request_body import decode_json
from encore.models.fields import Field
from encore.models.types import InvalidValue
from encore.serializers.records import encode
from encore.serializers.serializer import RelatedSerializer, Serializer
from encore.validation.body import INVALID, ValidationErrors
from encore.validation.members import report_read_only

Json = Mapping[str, Any]


def decode_record(record: Any) -> dict[str, Any]:
    """Return a record's JSON object, as in a response."""
    stored: dict[str, Any] = decode_json(encode(record))
    return stored


def report_changed(
    serializer: Serializer,
    raw: Json,
    names: Iterable[str],
    stored: Json,
    errors: ValidationErrors,
    *,
    prefix: str = "",
) -> None:
    """Add an error for each of the named members whose value is not the stored one.

    Args:
        serializer: The serializer of the row.
        raw: The body.
        names: The names of the members to compare.
        stored: The stored row as JSON.
        errors: Collects the errors.
        prefix: The path of a nested body, which precedes names in errors.
    """
    for name in names:
        if not same_member(serializer, name, raw[name], stored.get(name, UNSET)):
            child = serializer.children.get(name)
            if child is not None and child.relation.many:
                errors.add(prefix + name, INVALID, "cannot be changed through its parent")
            else:
                report_read_only(name, errors, prefix)


def same_member(serializer: Serializer, name: str, raw: Any, stored: Any) -> bool:
    """Return whether the values of a member mean the same value."""
    field = serializer.fields.by_name.get(name)
    if field is not None:
        return same_value(field, raw, stored)
    child = serializer.children.get(name)
    if child is not None:
        return same_rows(child, raw, stored)
    return same_json(raw, stored)


def same_value(field: Field, raw: Any, stored: Any) -> bool:
    """Return whether two JSON values mean the same value of a field: ``Z`` and ``+00:00``."""
    if same_json(raw, stored):
        return True
    if raw is None or stored is None or stored is UNSET:
        return False
    try:
        return bool(field.codec.from_json(raw) == field.codec.from_json(stored))
    except InvalidValue:
        return False


def is_driver_value(field: Field, raw: Any, value: Any) -> bool:
    """Return whether a JSON value means a driver value."""
    if raw is None or value is None:
        return raw is value
    try:
        return bool(field.codec.driver_value(field.codec.from_json(raw)) == value)
    except InvalidValue:
        return False


def same_rows(child: RelatedSerializer, raw: Any, stored: Any) -> bool:
    """Return whether a nested body means the stored related rows, in the same order.

    Objects may lack members, but not the key if responses have it.
    """
    if not child.relation.many:
        return _same_row(child.serializer, raw, stored)
    if not (isinstance(raw, list) and isinstance(stored, list)) or len(raw) != len(stored):
        return False
    return all(_same_row(child.serializer, *pair) for pair in zip(raw, stored, strict=True))


def _same_row(serializer: Serializer, raw: Any, stored: Any) -> bool:
    if not (isinstance(raw, dict) and isinstance(stored, dict)):
        return raw is None and stored is None
    key = {field.name for field in serializer.fields.key}
    needed = key if key <= serializer.shown.keys() else stored.keys()
    return raw.keys() >= needed and all(
        name in stored and same_member(serializer, name, value, stored[name])
        for name, value in raw.items()
    )


def same_json(left: Any, right: Any) -> bool:
    """Return whether two decoded JSON values are equal; ``true`` and ``1`` are not."""
    pairs = [(left, right)]  # A stack: JSON may be nested more deeply than calls can be.
    while pairs:
        match pairs.pop():
            case dict() as raw, dict() as stored:
                if raw.keys() != stored.keys():
                    return False
                pairs += [(value, stored[name]) for name, value in raw.items()]
            case list() as raw, list() as stored:
                if len(raw) != len(stored):
                    return False
                pairs += zip(raw, stored, strict=True)
            case raw, stored:
                if isinstance(raw, bool) != isinstance(stored, bool) or raw != stored:
                    return False
    return True
