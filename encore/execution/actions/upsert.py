"""Upsert: a create that ends if the row is stored already (``on_conflict``).

The stored row is looked up by a unique key after the hooks before ``write`` have run, so that the
key may contain what they set. What is done with it is decided by ``upsert_pipeline``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive, Scope

from encore.database.statement import Row
from encore.errors import Conflict, FieldError, HookError
from encore.execution.actions.create import Create
from encore.execution.actions.row import Read
from encore.execution.context import Context
from encore.execution.other_run import OtherRun
from encore.http.request_body import read_body
from encore.models.fields import Field
from encore.query.write_parameters import DRY_RUN, ON, ON_CONFLICT
from encore.resource.upsert_targets import UpsertTarget
from encore.validation.nested import NestedBody

_LOOKS: Final = "encore.upsert_looks"


class RowStored(OtherRun):
    """The row of an upsert is stored already.

    Args:
        row: The row as the database returned it.
        target: The key by which it was found.
    """

    def __init__(self, row: Row, target: UpsertTarget) -> None:
        names = [field.name for field in target.named]
        errors: list[FieldError] = [
            {"field": name, "message": f"{name} must be unique"} for name in names
        ]
        super().__init__(Conflict("Validation error", errors))
        self.row = row


def looking(scope: Scope) -> Scope:
    """Return a scope whose create looks for the stored row; it would be an error otherwise."""
    return {**scope, _LOOKS: True}


@dataclass(slots=True)
class UpsertContext(Context):
    """The context of an upsert.

    Attributes:
        target: The key by which the stored row is looked up; None for a create.
    """

    target: UpsertTarget | None = None


class ReadStored(Read[Context]):
    """Return the row that an upsert ignores.

    It runs in a transaction that writes, so that it has what the create has: the latest rows, dry
    runs and idempotency keys.
    """

    writes = True
    parameters = (DRY_RUN,)

    async def receive(self, context: Context, receive: Receive) -> None:
        """Receive the body of the upsert, which is part of what its idempotency key stands for."""
        await read_body(context.scope, receive, self.resource.body_limit)

    def needs_session(self, nested: Sequence[NestedBody] = ()) -> bool:  # noqa: ARG002 - see Action
        """Return False: nothing is written."""
        return False

    async def fetch(self, context: Context) -> None:
        """Read the row, with the related rows that a GET embeds."""
        await super().fetch(context)
        if not self.resource.options.reload_instances:
            await self._embed(context, [context.instance])
        context.rows_found = True


class Upsert(Create[UpsertContext]):
    """Create a row; with on_conflict, change the stored row (merge) or return it (ignore)."""

    context_type = UpsertContext
    parameters = (DRY_RUN, ON_CONFLICT, ON)

    def parse_request(self, context: UpsertContext) -> None:
        """Validate the body, and choose the unique key."""
        super().parse_request(context)
        parameters = self.parse_write_parameters(context)
        targets = self.resource.upsert_targets
        if parameters.on_conflict is None or targets is None:
            return
        context.unit.run_several()
        context.target = targets.choose(parameters.on, context.request_body)

    async def _insert(self, context: UpsertContext) -> Row | None:
        await self._look(context)
        return await super()._insert(context)

    async def _insert_in_session(self, context: UpsertContext) -> Row | None:
        await self._look(context)
        return await super()._insert_in_session(context)

    async def _look(self, context: UpsertContext) -> None:
        """Raise ``RowStored`` if the row is stored already."""
        target = context.target
        if target is None or not context.scope.get(_LOOKS):
            return
        values = self.resource.fields.driver_values(
            {field.attribute: context.attributes.get(field.attribute) for field in target.fields}
        )
        for field, value in values.items():
            if value is None:
                raise self._missing(field)
        connection = await context.connection()
        statement = self.resource.statements_by(target.fields).read()
        row = await connection.fetch_one(statement, tuple(values[f] for f in target.fields))
        if row is not None:
            raise RowStored(row, target)

    def _missing(self, field: Field) -> HookError:
        name = self.resource.name
        return HookError(f"resource {name}: upsert: no hook of create has set {field.attribute}")
