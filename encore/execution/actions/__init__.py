"""The actions: how each parses its request, and its steps at the stages."""

from typing import Any, Final

from encore.execution.actions.action import JSON_ONLY, Action
from encore.execution.actions.create import Create
from encore.execution.actions.delete import Delete
from encore.execution.actions.list import List
from encore.execution.actions.restore import Restore
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
    "Restore",
    "RowAction",
    "Update",
]

ACTIONS: Final[dict[str, type[Action[Any]]]] = {
    type_.name: type_ for type_ in (Create, List, Read, Update, Delete)
}
