"""The rows of a resource as a type, for ``response_model`` of custom actions and other routes."""

from typing import Any, ClassVar

from pydantic_core import CoreSchema, core_schema

from encore.openapi.components import InlineComponents
from encore.openapi.schemas import row_schema
from encore.resource.definition import ResourceDefinition


class RowType:
    """Describes rows of a resource in OpenAPI; pydantic validates nothing of them.

    Attributes:
        resource: The resource.
    """

    resource: ClassVar[ResourceDefinition]

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> CoreSchema:
        """Return the schema that accepts every value."""
        return core_schema.any_schema()

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: Any) -> dict[str, Any]:
        """Return the JSON schema of a row."""
        return row_schema(cls.resource, InlineComponents())


def read_schema(resource: ResourceDefinition) -> type[RowType]:
    """Return a type that describes a row in a response: ``response_model=read_schema(parts)``."""
    return type(resource.name, (RowType,), {"resource": resource})
