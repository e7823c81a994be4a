"""Custom actions that share hooks, transactions and OpenAPI with the generated ones.

An action that is none of the five (a summary, a decision on many rows) gets what they have: hooks,
one transaction, refusals that name fields, a place in OpenAPI.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, Signature
from typing import Annotated, Any, Final

from fastapi import Path
from fastapi.routing import APIRoute
from pydantic import WithJsonSchema

from encore.database.protocol import Database
from encore.endpoints.endpoint import Operation, PipelineRoute
from encore.endpoints.openapi import problem_responses
from encore.execution.actions import Action
from encore.execution.hooks import ActionHooks
from encore.execution.pipeline import Pipeline
from encore.http.access import Access
from encore.resource.option_checks import PARAMETER

_BY_METHOD: Final = {
    "GET": "list",
    "POST": "create",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomAction:
    """One operation.

    Attributes:
        action: What runs, on its resource's rows; its docstring describes it in OpenAPI.
        method: The HTTP method.
        path: The path, behind that of the resource's many.
        access: What it asks of a token: a scope, a list of scopes, or ``Access``.
        error_responses_like: The generated action whose error responses it shares in OpenAPI; by
            default the one that its method suggests.
        describe: Returns further arguments of the FastAPI route that describes it (``summary``,
            ``response_model``, ``openapi_extra``); called when OpenAPI is asked for.
    """

    action: Action
    method: str
    path: str = ""
    access: Access | str | Sequence[str]
    error_responses_like: str = ""
    describe: Callable[[], Mapping[str, Any]] = dict

    def route(self, hooks: ActionHooks, database: Database) -> PipelineRoute:
        """Make its route."""
        access = self.access
        if not isinstance(access, Access):
            access = Access(all_of=(access,) if isinstance(access, str) else tuple(access))
        operation = Operation(Pipeline(self.action, hooks, database), access)
        path = self.action.resource.collection_path + self.path
        describe = partial(self._describe, operation, path)
        return PipelineRoute(path, operation, [self.method], describe)

    def _describe(self, operation: Operation, path: str) -> APIRoute:
        def endpoint() -> None:
            """Describe only: ``PipelineRoute`` runs the operation."""

        endpoint.__doc__ = self.action.__doc__
        endpoint.__signature__ = self._signature(path)  # type: ignore[attr-defined] # FastAPI's
        return APIRoute(
            path,
            endpoint,
            methods=[self.method],
            tags=[self.action.resource.slug],
            operation_id=f"{self.method.lower()}_{operation.name}",
            responses=problem_responses(
                self.error_responses_like or _BY_METHOD[self.method],
                path,
                operation.pipeline.produces,
                conflicts=self.action.resource.compatibility.conflicts,
            ),
            name=operation.name,
            **self.describe(),
        )

    def _signature(self, path: str) -> Signature:
        """Return what FastAPI reads the path's parameters off."""
        fields = dict(self.action.resource.path_fields)
        schemas = {
            name: fields[name].codec.schema if name in fields else {"type": "string"}
            for name in PARAMETER.findall(path)
        }
        return Signature(
            [
                Parameter(
                    name,
                    Parameter.KEYWORD_ONLY,
                    annotation=Annotated[Any, WithJsonSchema(schema)],
                    default=Path(),
                )
                for name, schema in schemas.items()
            ]
        )
