"""Links: what narrows a nested resource (``/users/{id}/books``) to its parent's rows.

Finale looks the target of a belongs-to up by the parent's id (D4); here every kind follows the
relationship's own columns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, select, tuple_
from sqlalchemy.types import TypeEngine

from api.crud.associations.relations import Relation
from api.crud.views.fields import Field


@dataclass(frozen=True, slots=True)
class LinkedTo:
    """The row is related to the parent whose key is given.

    Attributes:
        relation: From the parent to the rows.
        parent: The parent's fields that its path names.
    """

    relation: Relation
    parent: tuple[Field, ...]

    def clause(
        self, next_slot: Callable[[TypeEngine[Any]], BindParameter[Any]]
    ) -> ColumnElement[bool]:
        """Write the condition, taking one slot for each part of the parent's key.

        A membership in a sub-select, not EXISTS: it is the parent that is found first, by its
        key, and then the rows by theirs.
        """
        relation = self.relation
        # An alias: the parent may be of the same table as its rows.
        parent = self.parent[0].column.table.alias()
        of_parent = and_(
            *(parent.c[f.column.name] == next_slot(f.column.type) for f in self.parent)
        )
        if relation.link is None:
            locals_ = [parent.c[local.name] for local, _ in relation.pairs]
            members = select(*locals_)
            own = [remote for _, remote in relation.pairs]
        else:
            joined = and_(*(parent.c[local.name] == linked for local, linked in relation.pairs))
            members = select(*(linked for _, linked in relation.link_pairs))
            members = members.join_from(relation.link, parent, joined)
            own = [remote for remote, _ in relation.link_pairs]
        row = own[0] if len(own) == 1 else tuple_(*own)
        return row.in_(members.where(of_parent))
