"""Custom actions that share hooks, transactions and OpenAPI with the generated ones.

An action other than the five generated ones (a summary, a decision on many rows) has hooks, one
transaction, errors that name fields, and a description in OpenAPI, as they have.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import getdoc
from typing import Any, Final

from encore.database.protocol import Database
from encore.endpoints.endpoint import Operation, PipelineRoute
from encore.execution.actions import Action
from encore.execution.hooks import ActionHooks
from encore.execution.pipeline import Pipeline
from encore.http.access import Access
from encore.openapi.components import Components
from encore.openapi.operations import path_parameters
from encore.openapi.problems import problem_responses
from encore.openapi.route_arguments import describe_by_arguments

_BY_METHOD: Final = {
    "GET": "list",
    "POST": "create",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomAction:
    """One custom action and its route.

    Attributes:
        action: The action; its docstring is the description in OpenAPI.
        method: The HTTP method.
        path: The path below the resource's collection path.
        access: What it demands of a token: a scope, a list of scopes, or ``Access``.
        error_responses_like: The generated action whose error responses it shares in OpenAPI; by
            default the one that its method suggests.
        describe: Returns further arguments of the FastAPI route that describes it (``summary``,
            ``response_model``, ``openapi_extra``); called when OpenAPI is asked for.
    """

    action: Action[Any]
    method: str
    path: str = ""
    access: Access | str | Sequence[str]
    error_responses_like: str = ""
    describe: Callable[[], Mapping[str, Any]] = dict

    def route(self, hooks: ActionHooks, database: Database) -> PipelineRoute:
        """Return its route."""
        access = self.access
        if not isinstance(access, Access):
            access = Access(all_of=(access,) if isinstance(access, str) else tuple(access))
        operation = Operation(Pipeline(self.action, hooks, database), access)
        path = self.action.resource.collection_path + self.path
        describe = partial(self._describe, operation, path)
        return PipelineRoute(path, operation, [self.method], describe)

    def _describe(self, operation: Operation, path: str, components: Components) -> dict[str, Any]:
        """Return the Operation Object of the route."""
        resource = self.action.resource
        arguments = {
            "tags": [resource.slug],
            "operation_id": f"{self.method.lower()}_{operation.name}",
            "description": getdoc(self.action) or "",
            **self.describe(),
        }
        described = describe_by_arguments(components, path, self.method, arguments)
        own = [p for p in described.get("parameters", ()) if p.get("in") != "path"]
        described["parameters"] = [*path_parameters(path, resource.path_fields), *own]
        responses = {
            **problem_responses(
                components,
                self.error_responses_like or _BY_METHOD[self.method],
                path,
                operation.pipeline.produces,
                conflicts=resource.compatibility.conflicts,
                conditional=self.action.conditional,
            ),
            **described["responses"],
        }
        described["responses"] = {status: responses[status] for status in sorted(responses)}
        return described
