"""Validation of a body's values against the columns of a row.

All invalid fields are reported, in Sequelize's form, not only the first. Members that are not
written are left to ``members``.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET

from encore.errors import FieldError, ValidationFailed
from encore.models.defaults import has_sql_default
from encore.models.fields import Field
from encore.models.types import InvalidValue

Attributes = dict[str, Any]
"""Python values by attribute of the model."""

NULL_VIOLATION: Final = "notNull Violation"
INVALID: Final = "Validation error"
MAX_ERRORS: Final = 100
"""How many errors are collected before unknown members are ignored: suggestions take time."""


class ValidationErrors:
    """The errors of a body, by field."""

    def __init__(self) -> None:
        self._messages: list[str] = []
        self._errors: list[FieldError] = []

    def add(self, name: str, type_: str, requirement: str, label: str | None = None) -> None:
        """Add the error of a field, in Sequelize's form.

        Args:
            name: The field's name, with the path of a nested body.
            type_: Sequelize's error type: ``Validation error``.
            requirement: What follows the name in the message: "must be an integer".
            label: The name in the message, if not ``name``.
        """
        message = f"{label or name} {requirement}"
        self._messages.append(f"{type_}: {message}")
        self._errors.append({"field": name, "message": message})

    @property
    def is_full(self) -> bool:
        """Whether there are so many errors that unknown members are ignored."""
        return len(self._errors) >= MAX_ERRORS

    @property
    def found(self) -> Sequence[FieldError]:
        """The errors, in Finale's form."""
        return self._errors

    def discard(self, name: str) -> None:
        """Remove the errors of a field."""
        kept = [n for n, error in enumerate(self._errors) if error["field"] != name]
        self._messages = [self._messages[n] for n in kept]
        self._errors = [self._errors[n] for n in kept]

    def check(self) -> None:
        """Raise ``ValidationFailed`` if there are errors."""
        if self._errors:
            raise ValidationFailed(",\n".join(self._messages), self._errors)


def validate_create(
    body: Mapping[str, Any],
    fields: Iterable[Field],
    errors: ValidationErrors,
    *,
    prefix: str = "",
    set_elsewhere: frozenset[str] = frozenset(),
) -> Attributes:
    """Validate the body of a new row and return its attributes.

    Args:
        body: The JSON object.
        fields: The writable fields.
        errors: Collects the errors.
        prefix: The path of a nested body, which precedes names in errors.
        set_elsewhere: Attributes that may be missing: the service or a parent sets them.
    """
    return _validate(body, fields, errors, prefix, set_elsewhere, complete=True)


def check_complete(
    attributes: Mapping[str, Any],
    fields: Iterable[Field],
    errors: ValidationErrors,
    *,
    prefix: str = "",
) -> None:
    """Add an error for each required attribute that a new row lacks after hooks have run."""
    for field in fields:
        if field.required and field.attribute not in attributes:
            errors.add(prefix + field.name, NULL_VIOLATION, "cannot be null", field.label)


def validate_update(
    body: Mapping[str, Any], fields: Iterable[Field], errors: ValidationErrors, *, prefix: str = ""
) -> Attributes:
    """Validate the body of an update, which may lack any field, and return its attributes."""
    return _validate(body, fields, errors, prefix, frozenset(), complete=False)


def validate_replace(
    body: Mapping[str, Any],
    fields: Iterable[Field],
    errors: ValidationErrors,
    write_only: frozenset[str] = frozenset(),
) -> Attributes:
    """Validate the body of a replacement and return its attributes.

    Missing fields are set to their default, or to null. Defaults that SQL evaluates are left to the
    action.

    Args:
        body: The JSON object.
        fields: The writable fields.
        errors: Collects the errors.
        write_only: Attributes that keep their values if missing: clients cannot read them.
    """
    fields = tuple(fields)
    attributes = _validate(body, fields, errors, "", write_only, complete=True)
    for field in fields:
        missing = field.attribute not in attributes and field.attribute not in write_only
        if missing and not has_sql_default(field.column):
            default = field.default_value()
            attributes[field.attribute] = None if default is UNSET else default
    return attributes


def _validate(
    body: Mapping[str, Any],
    fields: Iterable[Field],
    errors: ValidationErrors,
    prefix: str,
    set_elsewhere: frozenset[str],
    *,
    complete: bool,
) -> Attributes:
    attributes: Attributes = {}
    for field in fields:
        value = body.get(field.name)
        if value is None:
            if field.name not in body and not (
                complete and field.required and field.attribute not in set_elsewhere
            ):
                continue
            if field.nullable:
                attributes[field.attribute] = None
            elif not field.autoincrement:
                errors.add(prefix + field.name, NULL_VIOLATION, "cannot be null", field.label)
            continue
        try:
            attributes[field.attribute] = parsed = field.codec.from_json(value)
        except InvalidValue as error:
            errors.add(prefix + field.name, error.type_, str(error))
            continue
        if complete and field.autoincrement and parsed > field.max_assignable:
            errors.add(prefix + field.name, INVALID, f"must be at most {field.max_assignable}")
    return attributes
