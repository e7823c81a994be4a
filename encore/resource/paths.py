"""The paths of a resource: of its collection, of one row, and the fields that they name."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from starlette.types import Scope

from encore.errors import ConfigurationError, NotFound
from encore.models.fields import Field, Fields
from encore.models.types import InvalidValue
from encore.options import ResourceOptions
from encore.resource.field_names import find_field
from encore.resource.option_checks import PARAMETER, check_path

_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)

PathParameters = Sequence[tuple[str, Field]]
"""The names of path parameters, and the fields that they hold."""


class ResourcePaths:
    """The path templates of one resource.

    Args:
        options: The resource's options.
        fields: The fields of its model.
        base: The prefix of both paths.
        parent: The parameters of the parent's key, for a nested resource; else None.

    Attributes:
        base: As passed.
        collection_path: The path template of the collection.
        item_path: The path template of one row; the same as ``collection_path`` where the options
            name a single path.
        slug: The fixed segments of the collection path: ``authors_books``.
        is_nested: Whether the rows are found below a parent.
        parent_parameters: The parameters that hold the parent's key.
        key_parameters: The other parameters of the item path, which hold the row's own key.
        parameters: All parameters of the item path, the parent's first.

    Raises:
        ConfigurationError: From the constructor: a parameter is not a field, or the model has no
            table name that could be a path.
    """

    def __init__(
        self,
        options: ResourceOptions,
        fields: Fields,
        *,
        base: str = "",
        parent: PathParameters | None = None,
    ) -> None:
        name = options.model.__name__
        self.base = base
        self.collection_path, self.item_path = (base + path for path in _paths(options, fields))
        self.slug = "_".join(
            segment
            for segment in self.collection_path.split("/")
            if segment and not segment.startswith("{")
        )
        self.is_nested = parent is not None
        self.parent_parameters = tuple(parent or ())
        of_parent = {parameter for parameter, _ in self.parent_parameters}
        self.key_parameters = tuple(
            (parameter, find_field(fields, parameter, resource=name, option="endpoints"))
            for parameter in PARAMETER.findall(self.item_path)
            if parameter not in of_parent
        )
        self.parameters = (*self.parent_parameters, *self.key_parameters)

    @property
    def collection_path_names_one_row(self) -> bool:
        """Whether the collection path has parameters beside the parent's, and so means one row."""
        of_parent = {name for name, _ in self.parent_parameters}
        return not of_parent.issuperset(PARAMETER.findall(self.collection_path))


def parse_path(scope: Scope, parameters: Iterable[tuple[str, Field]]) -> tuple[Any, ...]:
    """Return the driver values of path parameters.

    Args:
        scope: The request's ASGI scope.
        parameters: The parameters' names and fields.

    Raises:
        NotFound: A parameter does not have a value of its field's type, so no row can have it.
    """
    raw = scope["path_params"]
    try:
        return tuple(
            field.codec.driver_value(field.codec.from_text(raw[name])) for name, field in parameters
        )
    except InvalidValue as error:
        raise NotFound from error


def path_parameter(field: Field) -> str:
    """Return a field's parameter in a path template: ``{id}``.

    A path parameter is an identifier; a column called ``part-id`` is named by its attribute.
    """
    return f"{{{field.name if _IDENTIFIER.fullmatch(field.name) else field.attribute}}}"


def _paths(options: ResourceOptions, fields: Fields) -> tuple[str, str]:
    """Return the path templates of the collection and of one row."""
    endpoints = tuple(options.endpoints)
    if endpoints:  # At most two: the options are checked.
        return endpoints[0], endpoints[-1]
    key = "/".join(map(path_parameter, fields.key))
    collection_path = _default_path(options, fields)
    return collection_path, f"{collection_path}/{key}"


def _default_path(options: ResourceOptions, fields: Fields) -> str:
    """Return the collection path of a resource without ``endpoints``: its table's name.

    Raises:
        ConfigurationError: The table has no name, or none that could be a path.
    """
    name = getattr(fields.mapped.mapper.local_table, "name", "")
    path = f"/{name}"
    if not name or any(check_path(path)):
        message = f"must be given: the table's name {str(name)!r} makes no path"
        raise ConfigurationError(options.model.__name__, "endpoints", message)
    return path
