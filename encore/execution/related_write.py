"""The related row that is being written, so that a database error can name its fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from encore.serializers.serializer import Serializer


@dataclass(frozen=True, slots=True)
class RelatedWrite:
    """One related row of a body.

    Attributes:
        serializer: The serializer of the row.
        attributes: The values that are written, by attribute names.
        prefix: The row's path in the body, with a dot behind it.
    """

    serializer: Serializer
    attributes: Mapping[str, Any]
    prefix: str
