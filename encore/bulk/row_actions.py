"""Running one row of a bulk write through the resource's own create, update or delete.

Hooks, validation, criteria and nested bodies are those of a request for this row alone; its
statements run in the transaction of the bulk write.
"""

import asyncio
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Receive, Scope

from encore.database.protocol import Database
from encore.database.statement import Row
from encore.errors import ApiError
from encore.execution.actions.action import Action, C
from encore.execution.actions.create import Create
from encore.execution.actions.delete import Delete
from encore.execution.actions.update import Update
from encore.execution.actions.upsert import ReadStored, Upsert, UpsertContext
from encore.execution.context import Context
from encore.execution.key_lookup import KeyLookup
from encore.execution.pipeline import Pipeline
from encore.execution.resource import Resource
from encore.execution.subrequest import body_receive, sub_scope
from encore.execution.unit_of_work import UnitOfWork
from encore.execution.upsert_pipeline import UpsertPipeline
from encore.http.prefer_header import is_lenient
from encore.resource.option_checks import PARAMETER
from encore.serializers.records import encode

_ROW: Final = "encore.bulk_row"
_ERROR: Final = 400
_ROWS_PER_ITERATION: Final = 16
_NO_BODY: Final = body_receive(b"")


@dataclass(slots=True)
class BulkRow:
    """One row of a bulk write.

    Attributes:
        method: The method of a request for this row alone.
        path_params: The parameters of its path.
        key: The driver values that they stand for; None for a new row.
        body: Its JSON object.
        represented: Whether the response contains it.
        query: The query string of a request for this row alone.
        status: The status of its response.
        stored: The row as the database returned it; None if a hook has ended the action before it
            was written.
        representation: The row as JSON, if the response contains it; empty if a hook has ended the
            action.
    """

    method: str
    path_params: dict[str, str]
    key: tuple[Any, ...] | None
    body: dict[str, Any]
    represented: bool
    query: bytes = b""
    status: int = 0
    stored: Row | None = None
    representation: bytes = b""


class _OneOfMany(Action[C]):
    """What the actions on one of many rows have in common."""

    is_tagged = False
    judges_preconditions = False

    async def receive(self, context: C, receive: Receive) -> None:  # noqa: ARG002 - the array has been received
        """Take the row's key and its decoded object; hooks may change both."""
        row = _row_of(context.scope)
        context.request_body = deepcopy(row.body)
        if row.key is not None:
            context.key_lookup = KeyLookup(None, row.key)
            context.key_values = row.key

    async def send(self, context: C) -> None:
        """Note the row; build its response if it is wanted."""
        row = _row_of(context.scope)
        row.stored = next(iter(context.rows), None)
        if row.represented or self.exposes_instance:  # Hooks of send may read the response.
            await super().send(context)
        if row.represented:
            row.representation = context.body

    async def _embed(self, context: C, records: Sequence[Any]) -> None:
        if self.exposes_instance or _row_of(context.scope).represented:
            await super()._embed(context, records)


class CreateOneOfMany(_OneOfMany[C], Create[C]):
    """Create one of many rows."""

    async def write(self, context: C) -> None:
        """Create the row, and note it: a hook may end the action after that."""
        await super().write(context)
        _note(context)


class UpdateOneOfMany(_OneOfMany[C], Update[C]):
    """Change one of many rows."""

    async def write(self, context: C) -> None:
        """Change the row, and note it: a hook may end the action after that."""
        await super().write(context)
        _note(context)


class UpsertOneOfMany(_OneOfMany[UpsertContext], Upsert):
    """Create one of many rows, unless it is stored."""

    async def write(self, context: UpsertContext) -> None:
        """Create the row, and note it: a hook may end the action after that."""
        await super().write(context)
        _note(context)


class ReadOneOfMany(_OneOfMany[Context], ReadStored):
    """Note one of many rows, which is stored and stays."""


class DeleteOneOfMany(_OneOfMany[C], Delete[C]):
    """Delete one of many rows."""

    async def write(self, context: C) -> None:
        """Delete the row, and note it: a hook may end the action after that."""
        await super().write(context)
        _row_of(context.scope).stored = ()

    async def send(self, context: C) -> None:
        """Note the row that was deleted."""
        await super().send(context)
        row = _row_of(context.scope)
        row.stored = ()
        if row.represented and context.deleted_instance is not None:
            row.representation = encode(context.deleted_instance)


_ACTIONS: Final[dict[str, type[Action[Any]]]] = {
    "create": CreateOneOfMany,
    "update": UpdateOneOfMany,
    "delete": DeleteOneOfMany,
}


class RowRunner:
    """Runs rows through one action of a resource.

    Args:
        resource: The resource.
        action: ``create``, ``update`` or ``delete``.
        database: The database.
    """

    def __init__(self, resource: Resource, action: str, database: Database) -> None:
        hooks = resource.hooks[action]
        if action == "create" and resource.upsert_targets is not None:
            self._pipeline: Pipeline = UpsertPipeline(
                UpsertOneOfMany(resource),
                hooks,
                database,
                update=UpdateOneOfMany(resource),
                read=ReadOneOfMany(resource),
            )
        else:
            self._pipeline = Pipeline(_ACTIONS[action](resource), hooks, database)
        self._template = resource.collection_path if action == "create" else resource.item_path
        self._count = 0

    async def run(self, scope: Scope, row: BulkRow, outer: UnitOfWork) -> None:
        """Run the action for one row.

        Raises:
            ApiError: The row is rejected, or a hook has ended the action with an error.
        """
        self._count += 1
        if not self._count % _ROWS_PER_ITERATION:
            await asyncio.sleep(0)
        path = PARAMETER.sub(lambda parameter: row.path_params[parameter[1]], self._template)
        headers = _inherited(scope)
        inner = sub_scope(
            scope, row.method, path, row.path_params, query=row.query, headers=headers
        )
        inner[_ROW] = row
        response = await self._pipeline.run(inner, _NO_BODY, outer)
        row.status = response.status
        if response.status >= _ERROR:
            raise ApiError.for_status(response.status, "A hook has rejected the row")


def _inherited(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the headers that hold for each row: how strictly members are read."""
    return [(b"prefer", b"handling=lenient")] if is_lenient(scope) else []


def _note(context: Context) -> None:
    _row_of(context.scope).stored = next(iter(context.rows), None)


def _row_of(scope: Scope) -> BulkRow:
    row: BulkRow = scope[_ROW]
    return row
