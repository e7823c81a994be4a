"""The previous key of a row: the key that its stored row may still have.

An upload-only member of a row, such as ``previous_external_id``. If no stored row has the row's
own key, and one has the previous key, the row is matched to it, and the stored row gets the new
key. ``rename_statements`` has the SQL.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from encore.models.fields import Field
from encore.models.types import InvalidValue
from encore.openapi.value_schemas import nullable
from encore.uploads.hooks import UploadedRow
from encore.validation.body import INVALID

_DESCRIPTION: Final = (
    "The {name} that the stored row may still have: if no row with the new {name} is stored, the"
    " row with this one gets the new one"
)


class PreviousKey:
    """Parses and validates the previous keys of one upload's rows.

    Args:
        fields: The field of each member's value.
        natural_key: The fields of the natural key, which a row with a previous key must have.

    Attributes:
        members: The field of each member's value.
    """

    def __init__(self, fields: Mapping[str, Field], natural_key: Sequence[Field]) -> None:
        self.members = dict(fields)
        self._natural_key = natural_key

    def parse(self, row: UploadedRow, body: Mapping[str, Any]) -> None:
        """Set ``row.previous_key``, and add the errors of invalid values."""
        is_text = row.context.request.format.is_text
        for name, field in self.members.items():
            value = body.get(name)
            if value is None:
                continue
            codec = field.codec
            read = codec.from_text if is_text and not codec.is_text else codec.from_json
            try:
                row.previous_key[field.attribute] = read(value)
            except InvalidValue as error:
                row.errors.add(name, error.type_, str(error))

    def check_complete(self, row: UploadedRow) -> None:
        """Add an error for each field of the natural key that a row lacks."""
        member = next(n for n, f in self.members.items() if f.attribute in row.previous_key)
        invalid = {error["field"] for error in row.errors.found}
        for field in self._natural_key:
            if row.attributes.get(field.attribute) is None and field.name not in invalid:
                row.errors.add(field.name, INVALID, f"is required with {member}")

    def schemas(self) -> dict[str, Any]:
        """Return the JSON schema of each member."""
        return {
            name: {
                **nullable(field.codec.accepts),
                "description": _DESCRIPTION.format(name=field.name),
            }
            for name, field in self.members.items()
        }
