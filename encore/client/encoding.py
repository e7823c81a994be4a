"""Values of Python as the API writes them: in JSON, and as text in paths and queries."""

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

from encore.client.errors import UsageError

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"


def encode_json(value: Any) -> bytes:
    """Return a value as JSON in UTF-8; dates, UUIDs, decimals and enums as the API writes them.

    Raises:
        UsageError: It is not JSON: NaN, a set, an object of another class.
    """
    try:
        text = json.dumps(
            value, default=_encode, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"The body cannot be written as JSON: {error}.") from error


def encode_scalar(value: Any) -> str | None:
    """Return a value as text, as the API writes it in JSON; None if it has no such text."""
    if isinstance(value, Enum):  # First: one may be a string or an integer too.
        return encode_scalar(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, str | int | float | Decimal | UUID) else None


def _encode(value: Any) -> Any:
    text = encode_scalar(value)
    if text is None:
        if isinstance(value, Mapping):
            return dict(value)
        raise TypeError(f"a {type(value).__name__} is not JSON")
    return value.value if isinstance(value, Enum) else text
