"""Bodies: from a JSON object to the values of a row, each checked against its column.

Keys that are no field, and fields that only the service writes, are passed over, as in Finale.
Every field that is wrong is reported, in Finale's words, not only the first.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from api.crud.fields import Field
from api.crud.values import Refusal
from api.errors import ValidationFailed

Attributes = dict[Field, Any]
NULL: Final = "notNull Violation"


def read_new(body: Mapping[str, Any], fields: Iterable[Field]) -> Attributes:
    """Read the body of a new row. Raises ``ValidationFailed``."""
    return _read(body, fields, whole=True)


def read_change(body: Mapping[str, Any], fields: Iterable[Field]) -> Attributes:
    """Read the body of a change: what is not given stays. Raises ``ValidationFailed``."""
    return _read(body, fields, whole=False)


def _read(body: Mapping[str, Any], fields: Iterable[Field], *, whole: bool) -> Attributes:
    attributes: Attributes = {}
    refused: list[tuple[Field, Refusal]] = []
    for field in fields:
        value = body.get(field.name)
        if value is None:
            missing = field.name not in body
            if missing and not (whole and field.required):
                continue
            if field.nullable:
                attributes[field] = None
            elif not field.generated:
                refused.append((field, Refusal("cannot be null", NULL)))
            continue
        try:
            attributes[field] = field.codec.from_json(value)
        except Refusal as refusal:
            refused.append((field, refusal))
    if refused:
        raise _validation_failed(refused)
    return attributes


def _validation_failed(refused: list[tuple[Field, Refusal]]) -> ValidationFailed:
    """Say it as Sequelize does: ``notNull Violation: users.username cannot be null``."""
    texts = [
        f"{field.label if refusal.kind == NULL else field.name} {refusal}"
        for field, refusal in refused
    ]
    return ValidationFailed(
        ",\n".join(
            f"{refusal.kind}: {text}" for (_, refusal), text in zip(refused, texts, strict=True)
        ),
        [
            {"field": field.name, "message": text}
            for (field, _), text in zip(refused, texts, strict=True)
        ],
    )
