"""Custom actions that share hooks, transactions and OpenAPI with the generated ones.

An action other than the five generated ones (a summary, a decision on many rows) has hooks, one
transaction, errors that name fields, and a description in OpenAPI, as they have.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from encore.database.protocol import Database
from encore.endpoints.endpoint import Operation, PipelineRoute
from encore.errors import ConfigurationError
from encore.execution.actions import Action
from encore.execution.hooks import ActionHooks
from encore.execution.pipeline import Pipeline
from encore.http.access import Access
from encore.openapi.components import Components
from encore.openapi.described_resource import DescribedResource
from encore.openapi.headers import REPLAYED, response_headers
from encore.openapi.names import ResourceNames, operation_id, split_words, with_article
from encore.openapi.parameters import path_parameters
from encore.openapi.problems import problem_responses
from encore.openapi.route_arguments import ROUTE_ARGUMENTS, describe_by_arguments
from encore.openapi.texts import OperationText, docstring_of_service
from encore.openapi.write_descriptions import IDEMPOTENCY_KEY

_TEXTS: Final = frozenset(("summary", "description", "operation_id"))
"""The arguments of a route that must be texts, because they override generated ones."""

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
        action: The action; its docstring is the description in OpenAPI, up to a section such as
            ``Attributes:``.
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

    def check_description(self) -> None:
        """Raise ``ConfigurationError`` if ``describe`` returns what no FastAPI route accepts."""
        described = self.describe()
        resource = self.action.resource.name
        if not isinstance(described, Mapping):
            raise ConfigurationError(resource, "describe", "must return a mapping")
        for name in described:
            if name not in ROUTE_ARGUMENTS:
                message = f"returns {name!r}, which is not an argument of a FastAPI route"
                raise ConfigurationError(resource, "describe", message)
        for name in sorted(_TEXTS & described.keys()):
            if not (isinstance(described[name], str) and described[name]):
                raise ConfigurationError(resource, "describe", f"{name} must be a string")

    def _describe(self, operation: Operation, path: str, components: Components) -> dict[str, Any]:
        """Return the Operation Object of the route; empty for ``include_in_schema=False``."""
        action, given = self.action, self.describe()
        if not given.get("include_in_schema", True):
            return {}
        described = DescribedResource(components, action.resource)
        text = self._text(described.names, path)
        arguments = {
            "tags": [described.tag()],
            "status_code": action.status,
            **text.as_dict(),
            **given,
        }
        result = describe_by_arguments(components, path, self.method, arguments)
        of_path = path_parameters(path, action.resource.path_fields)
        of_key = [IDEMPOTENCY_KEY] if operation.accepts_idempotency_keys else []
        own = [p for p in result.get("parameters", ()) if p.get("in") != "path"]
        if parameters := described.share([*of_path, *own, *of_key]):
            result["parameters"] = parameters
        responses = {
            **problem_responses(
                components,
                self.error_responses_like or _BY_METHOD[self.method],
                path,
                operation.pipeline.produces,
                conflicts=action.resource.compatibility.conflicts,
                conditional=action.conditional,
                keyed=operation.accepts_idempotency_keys,
            ),
            **result["responses"],
        }
        if operation.accepts_idempotency_keys:
            responses = {s: _replayable(components, s, responses[s]) for s in responses}
        result["responses"] = {status: responses[status] for status in sorted(responses)}
        return result

    def _text(self, names: ResourceNames, path: str) -> OperationText:
        """Return the texts of the operation where ``describe`` has none."""
        action = self.action
        verb = " ".join(split_words(action.name))
        of_row = "{" in path.removeprefix(action.resource.collection_path)
        noun = names.singular if of_row else names.plural
        summary = f"{verb} {with_article(noun) if of_row else noun}"
        if self.method == "GET" and path.rpartition("/")[2] == action.name:
            noun = f"{names.singular} {verb}"
            verb, summary = "get", f"get the {noun}"
        description = docstring_of_service(type(action))
        return OperationText(operation_id(verb, noun), summary.capitalize(), description)


def _replayable(components: Components, status: str, response: dict[str, Any]) -> dict[str, Any]:
    """Return a response, with the header of a repeated one if it is a success."""
    if not status.startswith("2") or "$ref" in response:
        return response
    headers = {**response.get("headers", {}), **response_headers(components, (REPLAYED,))}
    return {**response, "headers": headers}
