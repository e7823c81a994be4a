"""Create at a path: the new row that a PUT names (the option ``put_creates``)."""

from typing import Any

from encore.errors import NotFound
from encore.execution.actions.action import C
from encore.execution.actions.create import Create
from encore.models.fields import Field
from encore.models.types import InvalidValue
from encore.validation.body import INVALID, Attributes, ValidationErrors
from encore.validation.unchanged import is_driver_value


class CreateAtPath(Create[C]):
    """Create the row that the path names; the key in the body must agree with it."""

    # The PUT has compared If-Match; there is no row that If-None-Match could name.
    own_preconditions = frozenset(("if_match", "if_none_match"))

    def _path_attributes(self, context: C, errors: ValidationErrors) -> Attributes:
        """Return the key in the path, by attribute names. Raises ``NotFound`` for no valid key."""
        raw, body = context.path_params, context.request_body
        attributes: Attributes = {}
        for parameter, field in self.resource.path_fields:
            try:
                value = field.codec.from_text(raw[parameter])
            except InvalidValue as error:
                raise NotFound from error
            driver_value = field.codec.driver_value(value)
            if field.name in body and not is_driver_value(field, body[field.name], driver_value):
                errors.add(field.name, INVALID, "must be the key in the path")
            _check_length(field, raw[parameter], errors)
            if field.autoincrement and value > field.max_assignable:
                errors.add(field.name, INVALID, f"must be at most {field.max_assignable}")
            attributes[field.attribute] = value
        return attributes


def _check_length(field: Field, text: Any, errors: ValidationErrors) -> None:
    """Add an error for a text that a body could not have either: filters may be of any length."""
    if field.codec.is_text:
        try:
            field.codec.from_json(text)
        except InvalidValue as error:
            errors.add(field.name, error.type_, str(error))
