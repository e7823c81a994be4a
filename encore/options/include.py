"""``Include``: which relation of a resource is embedded, and what of its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Include:
    """A relation to embed.

    Attributes:
        relation: Its mapped name.
        attributes: The fields to show of its rows; empty means all.
        exclude_attributes: Fields not to show.
        include: Relations to embed in those rows in turn.
        where: What its rows must meet, wherever the resource follows the relation: a SQL condition
            on the related model, or a function that returns one.
        limit: How many rows of one parent are embedded; None means 100.
        order_by: Their order: ``name,-id`` as in ``sort``, or SQL expressions. Empty means the
            relationship's own.
        write_only_attributes: Fields not to show, that nested bodies may write nevertheless.
    """

    relation: str
    attributes: Sequence[str] = ()
    exclude_attributes: Sequence[str] = ()
    include: Sequence["Include | str"] = ()
    where: Any = None
    limit: int | None = None
    order_by: Any = ()
    write_only_attributes: Sequence[str] = ()
