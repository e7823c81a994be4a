"""Bodies: from a JSON object to what a row shall hold, each value checked against its column.

Members that are not written are the business of ``members``.
Every field that is wrong is reported, in Finale's words, not only the first.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET

from encore.errors import FieldError, ValidationFailed
from encore.models.defaults import has_sql_default
from encore.models.fields import Field
from encore.models.types import InvalidValue

Attributes = dict[str, Any]
"""Python values under the model's attribute names."""

NULL_VIOLATION: Final = "notNull Violation"
INVALID: Final = "Validation error"
MOST_ERRORS: Final = 100
"""How many unknown members are named: looking for the nearest name of each takes time."""


class ValidationErrors:
    """Collects what is wrong with a body, field by field."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._errors: list[FieldError] = []

    def add(self, name: str, type_: str, text: str, label: str | None = None) -> None:
        """Note that a field is wrong, in Sequelize's form.

        Args:
            name: The field, with its path in front where it is nested.
            type_: Finale's word for what is wrong.
            text: What goes behind the name.
            label: The name to show, if another than ``name``.
        """
        text = f"{label or name} {text}"
        self._texts.append(f"{type_}: {text}")
        self._errors.append({"field": name, "message": text})

    @property
    def is_full(self) -> bool:
        """Whether so much is wrong that unknown members are no longer named."""
        return len(self._errors) >= MOST_ERRORS

    @property
    def found(self) -> Sequence[FieldError]:
        """What was noted, in Finale's form."""
        return self._errors

    def discard(self, name: str) -> None:
        """Forget what is wrong with a field."""
        kept = [n for n, error in enumerate(self._errors) if error["field"] != name]
        self._texts = [self._texts[n] for n in kept]
        self._errors = [self._errors[n] for n in kept]

    def check(self) -> None:
        """Raise ``ValidationFailed`` if anything was noted."""
        if self._errors:
            raise ValidationFailed(",\n".join(self._texts), self._errors)


def validate_create(
    body: Mapping[str, Any],
    fields: Iterable[Field],
    errors: ValidationErrors,
    *,
    prefix: str = "",
    given_elsewhere: frozenset[str] = frozenset(),
) -> Attributes:
    """Read the body of a new row.

    Args:
        body: The JSON object.
        fields: Those that a client may write.
        errors: Collects what is wrong.
        prefix: Stands in front of names in errors, for nested bodies.
        given_elsewhere: Attributes that need not be there: the service or a parent sets them.
    """
    return _read(body, fields, errors, prefix, given_elsewhere, whole=True)


def check_complete(
    attributes: Mapping[str, Any],
    fields: Iterable[Field],
    errors: ValidationErrors,
    *,
    prefix: str = "",
) -> None:
    """Note what a new row lacks, once hooks have had their turn."""
    for field in fields:
        if field.required and field.attribute not in attributes:
            errors.add(prefix + field.name, NULL_VIOLATION, "cannot be null", field.label)


def validate_update(
    body: Mapping[str, Any], fields: Iterable[Field], errors: ValidationErrors, *, prefix: str = ""
) -> Attributes:
    """Read the body of a change: what is not given stays."""
    return _read(body, fields, errors, prefix, frozenset(), whole=False)


def validate_replace(
    body: Mapping[str, Any],
    fields: Iterable[Field],
    errors: ValidationErrors,
    unseen: frozenset[str] = frozenset(),
) -> Attributes:
    """Read the body of a replacement: what is not given becomes its default, or null.

    Attributes that are ``unseen`` are kept: the caller cannot send back what no GET shows. A
    default that SQL evaluates is left to ``Update``.
    """
    fields = tuple(fields)
    attributes = _read(body, fields, errors, "", unseen, whole=True)
    for field in fields:
        left_out = field.attribute not in attributes and field.attribute not in unseen
        if left_out and not has_sql_default(field.column):
            initial = field.default_value()
            attributes[field.attribute] = None if initial is UNSET else initial
    return attributes


def _read(
    body: Mapping[str, Any],
    fields: Iterable[Field],
    errors: ValidationErrors,
    prefix: str,
    given_elsewhere: frozenset[str],
    *,
    whole: bool,
) -> Attributes:
    attributes: Attributes = {}
    for field in fields:
        value = body.get(field.name)
        if value is None:
            if field.name not in body and not (
                whole and field.required and field.attribute not in given_elsewhere
            ):
                continue
            if field.nullable:
                attributes[field.attribute] = None
            elif not field.autoincrement:
                errors.add(prefix + field.name, NULL_VIOLATION, "cannot be null", field.label)
            continue
        try:
            attributes[field.attribute] = read = field.codec.from_json(value)
        except InvalidValue as error:
            errors.add(prefix + field.name, error.type_, str(error))
            continue
        if whole and field.autoincrement and read > field.max_assignable:
            text = f"must be at most {field.max_assignable}"
            errors.add(prefix + field.name, INVALID, text)
    return attributes
