"""The query parameters of an upload: those of every upload, and those that a service declares."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from encore.errors import InvalidQuery
from encore.query.parameter_errors import invalid_parameter, unknown_parameter

ATOMIC: Final = "atomic"
PARTIAL: Final = "partial"
ALL: Final = "all"
REJECTED_ONLY: Final = "rejected"
PARAMETERS: Final = {
    "mode": (ATOMIC, PARTIAL),
    "dry_run": ("false", "true"),
    "report": (ALL, REJECTED_ONLY),
}
"""The values of each parameter of every upload, the default first."""

DESCRIPTIONS: Final = {
    "mode": "atomic: one rejected row rejects all; partial: the valid rows are written",
    "dry_run": "Report what would happen to each row, and write nothing",
    "report": "Which rows the report lists",
}
_MAX_PARAMETERS: Final = 100


@dataclass(frozen=True, slots=True)
class UploadParameter:
    """A query parameter that a service declares for an upload.

    Attributes:
        name: The name.
        parse: Returns the value of a string. Raises ``ValueError`` with what it must be.
        description: What it does, for OpenAPI.
        schema: The JSON schema of the string, for OpenAPI.
        default: The value of a request without the parameter.
    """

    name: str
    parse: Callable[[str], Any]
    description: str
    schema: Mapping[str, Any]
    default: Any = None


class UploadParameters:
    """The query parameters of one upload."""

    def __init__(self) -> None:
        self._declared: dict[str, UploadParameter] = {}

    def declare(self, parameter: UploadParameter) -> None:
        """Add a parameter. Raise ``ValueError`` if the name is taken."""
        if parameter.name in PARAMETERS or parameter.name in self._declared:
            raise ValueError(f"the upload has a query parameter {parameter.name!r} already")
        self._declared[parameter.name] = parameter

    def parse(self, query: bytes) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the values of the parameters of every upload, and of the declared ones.

        Raises:
            InvalidQuery: A parameter is unknown or a duplicate, or its value is invalid.
        """
        given: dict[str, str] = {}
        for name, value in _split_query(query):
            if name not in PARAMETERS and name not in self._declared:
                raise unknown_parameter(name, (*PARAMETERS, *self._declared))
            if name in given:
                raise invalid_parameter(name, "may be given once")
            given[name] = value
        for name, choices in PARAMETERS.items():
            if given.setdefault(name, choices[0]) not in choices:
                raise invalid_parameter(name, f"must be one of {', '.join(choices)}")
        declared = {
            name: _parse_declared(parameter, given[name]) if name in given else parameter.default
            for name, parameter in self._declared.items()
        }
        return given, declared

    def describe(self) -> list[dict[str, Any]]:
        """Return the parameters' descriptions in OpenAPI."""
        described = [
            {**_described(name, DESCRIPTIONS[name], choice_schema(values)), "example": values[0]}
            for name, values in PARAMETERS.items()
        ]
        return described + [
            _described(p.name, p.description, p.schema) for p in self._declared.values()
        ]


def choice_schema(values: tuple[str, ...]) -> dict[str, Any]:
    """Return the JSON schema of a parameter with these values, the default first."""
    return {"type": "string", "enum": list(values), "default": values[0]}


def _described(name: str, description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _parse_declared(parameter: UploadParameter, value: str) -> Any:
    try:
        return parameter.parse(value)
    except ValueError as error:
        raise invalid_parameter(parameter.name, str(error)) from error


def _split_query(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MAX_PARAMETERS,
            errors="strict",
        )
    except ValueError as error:
        raise InvalidQuery("The query cannot be read") from error
