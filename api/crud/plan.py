"""Plans: an action, compiled at start-up into the steps that it runs.

Finale's milestones, in their order, are ``start``, ``auth``, ``fetch``, ``data``, ``write``,
``send`` and ``complete``. A plan holds one flat sequence of steps: what the action does at a
milestone stands there because the action has it, and nothing stands there that nobody asked for.
So the general engine with no options *is* the fast one.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.types import Receive, Scope

from api.crud.actions import Action
from api.crud.context import Context, Response
from api.crud.failures import refusal_of
from db.database import Database
from db.errors import DatabaseError

MILESTONES: Final = ("start", "auth", "fetch", "data", "write", "send", "complete")

Step = Callable[[Context], Awaitable[None]]


class Plan:
    """Runs one action of one resource.

    Args:
        action: What to run.
        database: Where. One transaction is around all steps: any error undoes all of them, and
            nothing is answered before the commit.
    """

    def __init__(self, action: Action, database: Database) -> None:
        self.action = action
        self._resource = action.resource
        self._database = database
        self._steps: tuple[Step, ...] = tuple(
            getattr(action, milestone) for milestone in MILESTONES if hasattr(action, milestone)
        )

    async def run(self, scope: Scope, receive: Receive) -> Response:
        """Run the action for one request. Raises ``ApiError``."""
        context = Context(self._resource, scope)
        await self.action.take_in(context, receive)
        database = self._database
        try:
            async with (
                database.writing(single=True) if self.action.writes else database.reading()
            ) as connection:
                context.connection = connection
                for step in self._steps:
                    await step(context)
        except DatabaseError as error:
            raise refusal_of(error, self._resource.fields.by_name) from error
        return Response(context.status, context.headers, context.body)
