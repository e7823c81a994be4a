"""Comparing what a body gives with what is stored, both as a GET shows it.

So a body that a GET answered can be sent back whole: members that cannot be written are accepted
with their stored value, and refused with any other.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import UNSET

from encore.http.request_body import decode
from encore.models.fields import Field
from encore.models.types import InvalidValue
from encore.serializers.records import encode
from encore.serializers.serializer import RelatedSerializer, Serializer
from encore.validation.body import INVALID, ValidationErrors
from encore.validation.members import report_read_only

Json = Mapping[str, Any]


def decode_record(record: Any) -> dict[str, Any]:
    """Return a record as the JSON object that callers get, decoded."""
    shown: dict[str, Any] = decode(encode(record))
    return shown


def report_changed(
    serializer: Serializer,
    given: Json,
    names: Iterable[str],
    shown: Json,
    errors: ValidationErrors,
    *,
    prefix: str = "",
) -> None:
    """Report each of the named members whose value is not the one that is shown."""
    for name in names:
        if not same_member(serializer, name, given[name], shown.get(name, UNSET)):
            child = serializer.children.get(name)
            if child is not None and child.relation.many:
                errors.add(prefix + name, INVALID, "cannot be changed through its parent")
            else:
                report_read_only(name, errors, prefix)


def same_member(serializer: Serializer, name: str, given: Any, shown: Any) -> bool:
    """Return whether a member of a body has the value that is shown."""
    field = serializer.fields.by_name.get(name)
    if field is not None:
        return same_value(field, given, shown)
    child = serializer.children.get(name)
    if child is not None:
        return same_rows(child, given, shown)
    return same_json(given, shown)


def same_value(field: Field, given: Any, shown: Any) -> bool:
    """Return whether two JSON values mean the same value of a field: ``Z`` is ``+00:00``."""
    if same_json(given, shown):
        return True
    if given is None or shown is None or shown is UNSET:
        return False
    try:
        return bool(field.codec.from_json(given) == field.codec.from_json(shown))
    except InvalidValue:
        return False


def is_driver_value(field: Field, given: Any, value: Any) -> bool:
    """Return whether a JSON value means this driver value."""
    if given is None or value is None:
        return given is value
    try:
        return bool(field.codec.driver_value(field.codec.from_json(given)) == value)
    except InvalidValue:
        return False


def same_rows(child: RelatedSerializer, given: Any, shown: Any) -> bool:
    """Return whether a body gives the related rows that are shown, in the same order.

    Of a row, members may be left out, but not its key where that is shown.
    """
    if not child.relation.many:
        return _same_row(child.serializer, given, shown)
    if not (isinstance(given, list) and isinstance(shown, list)) or len(given) != len(shown):
        return False
    return all(_same_row(child.serializer, *pair) for pair in zip(given, shown, strict=True))


def _same_row(serializer: Serializer, given: Any, shown: Any) -> bool:
    if not (isinstance(given, dict) and isinstance(shown, dict)):
        return given is None and shown is None
    key = {field.name for field in serializer.fields.key}
    needed = key if key <= serializer.shown.keys() else shown.keys()
    return given.keys() >= needed and all(
        name in shown and same_member(serializer, name, value, shown[name])
        for name, value in given.items()
    )


def same_json(one: Any, other: Any) -> bool:
    """Return whether two decoded JSON values are equal; ``true`` is not ``1``."""
    pairs = [(one, other)]  # A stack: a document may be nested deeper than calls can be.
    while pairs:
        match pairs.pop():
            case dict() as given, dict() as shown:
                if given.keys() != shown.keys():
                    return False
                pairs += [(value, shown[name]) for name, value in given.items()]
            case list() as given, list() as shown:
                if len(given) != len(shown):
                    return False
                pairs += zip(given, shown, strict=True)
            case given, shown:
                if isinstance(given, bool) != isinstance(shown, bool) or given != shown:
                    return False
    return True
