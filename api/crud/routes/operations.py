"""Operations of a service's own, beside the generated ones and on the same rails.

An action that is none of the five (a summary, a decision on many rows) gets what they have: hooks,
one transaction, refusals that name fields, a place in OpenAPI.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi.routing import APIRoute

from api.crud.execution.actions import Action
from api.crud.execution.hooks import ActionHooks
from api.crud.execution.plan import Plan
from api.crud.routes.openapi import problem_responses
from api.crud.routes.route import Operation, PlanRoute
from api.http.exchange import Access
from db.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnOperation:
    """One operation.

    Attributes:
        action: What runs, on its resource's rows; its docstring describes it in OpenAPI.
        method: The HTTP method.
        path: The path, behind that of the resource's many.
        access: What it asks of a token.
        refused_as: The action whose refusals it shares.
        describe: Gives what else FastAPI's route says of it in OpenAPI; asked when somebody asks.
    """

    action: Action
    method: str
    path: str = ""
    access: Access
    refused_as: str
    describe: Callable[[], Mapping[str, Any]]

    def route(self, hooks: ActionHooks, database: Database) -> PlanRoute:
        """Make its route."""
        operation = Operation(Plan(self.action, hooks, database), self.access)
        path = self.action.resource.plural + self.path
        describe = partial(self._describe, operation, path)
        return PlanRoute(path, operation, [self.method], describe)

    def _describe(self, operation: Operation, path: str) -> APIRoute:
        def endpoint() -> None:
            """Describe only: ``PlanRoute`` runs the operation."""

        endpoint.__doc__ = self.action.__doc__
        return APIRoute(
            path,
            endpoint,
            methods=[self.method],
            tags=[self.action.resource.slug],
            operation_id=f"{self.method.lower()}_{operation.name}",
            responses=problem_responses(self.refused_as, path, operation.plan.produces),
            name=operation.name,
            **self.describe(),
        )
