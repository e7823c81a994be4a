"""The keys that an upload may match rows by; a request chooses one with ``key=``.

Without the option ``natural_key`` these are the primary key and the unique keys whose fields
callers may read and write; with it, there is one key.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from encore.execution.resource import Resource
from encore.models.fields import Field
from encore.resource.upsert_targets import unique_keys
from encore.uploads.parameters import UploadParameter, choice_schema
from encore.uploads.rows import RowMaker
from encore.uploads.statements import UploadStatements

PARAMETER: Final = "key"
_DESCRIPTION: Final = "The fields that identify a stored row: it is updated; other rows are created"


@dataclass(frozen=True, slots=True)
class UploadKey:
    """One key.

    Attributes:
        fields: Its fields.
        statements: The compiled statements of uploads by this key.
        row_maker: Makes rows of the staging table.
    """

    fields: Sequence[Field]
    statements: UploadStatements
    row_maker: RowMaker


def key_name(fields: Sequence[Field]) -> str:
    """Return the value of the parameter for a key with these fields."""
    return ",".join(field.name for field in fields)


def find_keys(resource: Resource) -> Iterator[Sequence[Field]]:
    """Yield the fields of each key of a resource's rows, the primary key first.

    A unique key does not count if callers may not read and write its fields, or if it contains the
    primary key.
    """
    found: dict[frozenset[Field], None] = dict.fromkeys(unique_keys(resource.fields))
    primary = resource.fields.key
    for key in found:
        fields = [field for field in resource.fields if field in key]
        is_plain = all(
            field in resource.bodies.creatable
            and field.name in resource.serializer.shown
            and field.codec.is_comparable
            for field in fields
        )
        if is_plain and (tuple(fields) == primary or key.isdisjoint(primary)):
            yield fields


def key_parameter(keys: Sequence[str]) -> UploadParameter:
    """Return the parameter that chooses one of these keys, the first by default."""

    def parse(value: str) -> str:
        if value not in keys:
            reason = "no other field is a primary key or has a unique constraint"
            raise ValueError(f"must be {' or '.join(keys)}: {reason}")
        return value

    return UploadParameter(PARAMETER, parse, _DESCRIPTION, choice_schema(tuple(keys)), keys[0])
