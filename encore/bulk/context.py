"""The context of a bulk write."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from encore.execution.context import Context
from encore.query.filters import Condition


@dataclass(slots=True)
class BulkContext(Context):
    """The context of a bulk write.

    Attributes:
        conditions: The conditions of the rows; empty if an array names them.
        values: The driver values of the conditions.
        reusable: Whether a statement with these conditions is worth caching.
        max_affected: How many rows may be written.
        preferred: ``minimal`` or ``representation``, if the caller prefers it; else None.
        elements: The array in the body; None without one.
        is_partial: Whether rows that are not rejected are written nevertheless.
        rejected_only: Whether the report lists rejected rows only.
        upsert: The query string of the upsert of one row; empty for creates.
        affected: How many rows were written.
        representations: The rows as JSON, if the caller prefers them.
    """

    conditions: tuple[Condition, ...] = ()
    values: tuple[Any, ...] = ()
    reusable: bool = True
    max_affected: int = 0
    preferred: str | None = None
    elements: Sequence[Any] | None = None
    is_partial: bool = False
    rejected_only: bool = False
    upsert: bytes = b""
    affected: int = 0
    representations: Sequence[bytes] = ()
