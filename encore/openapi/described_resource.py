"""What the descriptions of one resource's operations have in common."""

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Any

from encore.openapi.components import Components
from encore.openapi.names import operation_id, resource_names
from encore.openapi.parameters import path_parameters, share_parameters
from encore.openapi.query_parameters import filter_parameters
from encore.openapi.texts import OperationText, model_text
from encore.resource.definition import ResourceDefinition


class DescribedResource:
    """Describes operations of a resource.

    Args:
        components: The components of the document.
        resource: The resource.

    Attributes:
        components: As passed.
        resource: As passed.
        names: What its rows are called.
    """

    def __init__(self, components: Components, resource: ResourceDefinition) -> None:
        self.components = components
        self.resource = resource
        make_names = partial(resource_names, resource, components)
        self.names = components.once(resource, "names", make_names)

    def operation(
        self,
        text: OperationText,
        path: str,
        *,
        parameters: Iterable[Mapping[str, Any]],
        responses: Mapping[str, Any],
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the Operation Object of an operation of the resource.

        Args:
            text: What it does.
            path: Its path template.
            parameters: Its parameters, without those of the path.
            responses: Its responses, by status.
            body: Its request body; None without one.
        """
        of_path = path_parameters(path, self.resource.path_fields)
        shared = self.share([*of_path, *parameters])
        return make_operation(self.tag(), text, shared, responses, body)

    def tag(self) -> str:
        """Return the tag of the resource's operations, and describe it."""
        options, plural = self.resource.options, self.names.plural
        description = options.description or model_text(options.model)
        self.components.tag(plural, description or f"Operations on {plural}")
        return plural

    def filters(self, others: Collection[str]) -> list[Mapping[str, Any]]:
        """Return the parameters that choose rows, as references.

        Args:
            others: The names of the operation's other parameters.
        """
        resource, once = self.resource, self.components.once
        if any(name in others for name, _ in resource.serializer.names.all()):
            hidden = filter_parameters(resource, others)  # Those fields are described otherwise.
            return self.share(p for p in hidden if p["name"] not in others)
        plain = once(resource, "filters", lambda: filter_parameters(resource))
        shared = once(resource, "shared filters", lambda: self.share(plain))
        pairs = zip(plain, shared, strict=True)
        return [reference for parameter, reference in pairs if parameter["name"] not in others]

    def share(self, parameters: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return parameters as references, and define them."""
        owners = (self.resource.name, operation_id("", self.names.plural))
        return share_parameters(self.components, owners, parameters)


def make_operation(
    tag: str,
    text: OperationText,
    parameters: Iterable[Mapping[str, Any]],
    responses: Mapping[str, Any],
    body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return an Operation Object; the responses are ordered by their statuses."""
    operation: dict[str, Any] = {
        "tags": [tag],
        "summary": text.summary,
        "description": text.description,
        "operationId": text.id,
    }
    if described := list(parameters):
        operation["parameters"] = described
    if body is not None:
        operation["requestBody"] = body
    operation["responses"] = {status: responses[status] for status in sorted(responses)}
    return operation
