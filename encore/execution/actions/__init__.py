"""The five actions: for each, how it reads its request and what its milestones do."""

from typing import Final

from encore.execution.actions.action import JSON_ONLY, Action
from encore.execution.actions.create import Create
from encore.execution.actions.delete import Delete
from encore.execution.actions.list import List
from encore.execution.actions.row import Read, RowAction
from encore.execution.actions.update import Update

__all__ = [
    "ACTIONS",
    "JSON_ONLY",
    "Action",
    "Create",
    "Delete",
    "List",
    "Read",
    "RowAction",
    "Update",
]

ACTIONS: Final[dict[str, type[Action]]] = {
    kind.name: kind for kind in (Create, List, Read, Update, Delete)
}
