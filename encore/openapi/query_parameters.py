"""OpenAPI descriptions of the query parameters of lists and of actions on one row."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET

from encore.database.expressions.text_search import MAX_PATTERN_LENGTH
from encore.database.search_index.conditions import MIN_TERM_LENGTH
from encore.database.soft_deletes import DeletedRows
from encore.models.examples import filter_example
from encore.models.fields import Field
from encore.options import READING_ACTIONS, RESTORE
from encore.query.as_of import AS_OF
from encore.query.field_lookup import Search
from encore.query.operators import EQUALS, IS_NULL, OPERATORS, SEPARATOR, TEXT, Operator
from encore.query.page_parameters import CURSOR, DEFAULT_COUNT, MAX_OFFSET, OFFSET, PAGE
from encore.query.parser import (
    CHILDREN,
    DELETED,
    DELETED_ROWS,
    FIELDS,
    NOT_PARAMETER,
    OR_PARAMETER,
)
from encore.query.value_parsing import MAX_VALUES
from encore.resource.definition import ResourceDefinition

_SEARCH_TERM: Final = {"type": "string", "maxLength": MAX_PATTERN_LENGTH}
PREFER_COUNT: Final[Mapping[str, Any]] = {
    "name": "Prefer",
    "in": "header",
    "description": "How to count the rows: count=exact, count=estimated or count=none; pages of a"
    " cursor are not counted otherwise. handling=lenient ignores unknown parameters (RFC 7240)",
    "schema": {"type": "string"},
    "example": "count=none",
}

# Which conditions are valid depends on what each field holds: more than a pattern can say.
_CONDITIONS: Final = {"type": "string", "format": "conditions"}
_GRAMMAR: Final = (
    "each is written as the filter of its name would be, a=1|b__gt=2, and a | inside a value is "
    "not possible"
)


OR: Final[Mapping[str, Any]] = {
    "name": OR_PARAMETER,
    "in": "query",
    "description": f"Conditions, one of which must hold; {_GRAMMAR}",
    "schema": _CONDITIONS,
    "example": "id=1|id__gte=10",
}
NOT: Final[Mapping[str, Any]] = {
    "name": NOT_PARAMETER,
    "in": "query",
    "description": f"Conditions, none of which may hold; {_GRAMMAR}",
    "schema": _CONDITIONS,
    "example": "id=2|id__gte=10",
}
_OF_TEXTS: Final = ("eq", "ne", "in", "like", "startswith")
_OF_ORDERED: Final = ("eq", "ne", "in", "gt", "gte", "lt", "lte", "between")
_OF_KEYS: Final = ("eq", "in", "gt", "gte", "lt", "lte")
_OF_TIMESTAMPS: Final = ("eq", "gt", "gte", "lt", "lte", "between")
_OF_OTHERS: Final = ("eq", "ne", "in")
_OF_FLAGS: Final = ("eq",)
_NATURAL: Final = {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0}
OFFSET_PARAMETER: Final[Mapping[str, Any]] = {
    "name": OFFSET,
    "in": "query",
    "description": "How many rows to skip",
    "schema": _NATURAL,
    "example": 0,
}
PAGE_PARAMETER: Final[Mapping[str, Any]] = {
    "name": PAGE,
    "in": "query",
    "description": "Which page, from 0; adds to offset",
    "schema": _NATURAL,
    "example": 0,
}
CURSOR_PARAMETER: Final[Mapping[str, Any]] = {
    "name": CURSOR,
    "in": "query",
    "description": "The position of the page: from the Link of another page; not with offset or"
    " page",
    "schema": {"type": "string", "format": "cursor"},
}
AS_OF_PARAMETER: Final[Mapping[str, Any]] = {
    "name": AS_OF,
    "in": "query",
    "description": "Rows as they were at this time, which needs its offset and is not in the"
    " future",
    "schema": {"type": "string", "format": "date-time"},
    "example": "2026-03-02T09:30:00Z",
}


def list_parameters(resource: ResourceDefinition) -> list[dict[str, Any]]:
    """Return the descriptions of all query parameters of a list."""
    parameters = page_parameters(resource)
    taken = {parameter["name"] for parameter in parameters}
    return [*parameters, *(p for p in filter_parameters(resource, taken) if p["name"] not in taken)]


def page_parameters(resource: ResourceDefinition) -> list[dict[str, Any]]:
    """Return the descriptions of the query parameters of a list that are no filters."""
    orders = [sign + name for name in resource.parser.sortable for sign in ("", "-")]
    return [
        _listed(resource.options.sort.param, orders, "Fields to sort by; - for descending", 1),
        *_page_parameters(
            resource.compatibility.paging.max_count, paginated=resource.options.pagination
        ),
        *row_parameters(resource, reads=True),
        *past_parameters(resource, "list"),
    ]


def filter_parameters(
    resource: ResourceDefinition, others: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Return the descriptions of the query parameters that choose rows.

    Of the operators of the resource's own fields the usual ones; ``texts.filter_text`` describes
    the others, and the fields of relations.

    Args:
        resource: The resource.
        others: The names of other parameters of the operation, which hide fields with such a name.
    """
    parameters = [
        *(_search_parameter(search) for search in resource.searches),
        _of_conditions(resource, OR),
        _of_conditions(resource, NOT),
        *_preset_parameters(resource),
    ]
    taken = {*others, *(parameter["name"] for parameter in parameters)}
    for name, field in resource.serializer.names.all():
        if "." not in name:
            parameters += _field_parameters(name, field, is_hidden=name in taken)
    return parameters


def _field_parameters(name: str, field: Field, *, is_hidden: bool) -> Iterator[dict[str, Any]]:
    """Yield the filters of a field; ``is_hidden`` if another parameter has its name."""
    example = filter_example(field)
    for operator in described_operators(field):
        plain = operator is EQUALS and not is_hidden
        filter_name = name if plain else f"{name}{SEPARATOR}{operator.name}"
        yield _filter_parameter(filter_name, field, operator, example)


def described_operators(field: Field) -> list[Operator]:
    """Return the operators of a field that are described as parameters; it may have more."""
    found = [OPERATORS[name] for name in _usual(field) if OPERATORS[name].supports(field)]
    return [*found, IS_NULL] if field.nullable else found


def _usual(field: Field) -> Sequence[str]:
    """Return the names of the operators with which a field is usually compared."""
    codec, column = field.codec, field.column
    if codec.is_text:
        return _OF_TEXTS
    if codec.schema.get("type") == "boolean" or field.is_version:
        return _OF_FLAGS
    if not codec.is_ordered:
        return _OF_OTHERS
    if column.primary_key or column.foreign_keys:
        return _OF_KEYS
    return _OF_TIMESTAMPS if codec.schema.get("format") == "date-time" else _OF_ORDERED


def row_parameters(resource: ResourceDefinition, *, reads: bool = False) -> list[dict[str, Any]]:
    """Return the descriptions of the query parameters of an action on one row.

    Lists have them too.

    Args:
        resource: The resource.
        reads: Whether the action reads rows, and may show deleted ones.
    """
    serializer = resource.serializer
    parameters = [
        _listed(FIELDS, [*serializer.shown, *serializer.children], "The fields to return", 3)
    ]
    parameters += _preset_parameters(resource)
    if serializer.children:
        items: dict[str, Any] = {"type": "string", "enum": list(serializer.children)}
        schema: dict[str, Any] = {"type": "array", "items": items}
        description = "The relations to embed; others are omitted"
        parameters.append(
            {
                **_parameter(CHILDREN, schema, description, [next(iter(serializer.children))]),
                "style": "pipeDelimited",
                "explode": False,
            }
        )
    if reads and resource.soft_delete is not None:
        parameters.append(_deleted_parameter(resource))
    return parameters


def _deleted_parameter(resource: ResourceDefinition) -> dict[str, Any]:
    """Return the description of the parameter that chooses deleted rows."""
    scopes = " and ".join(sorted(resource.access(RESTORE).scopes()))
    needs = f"; needs the scopes of restore: {scopes}" if scopes else ""
    description = f"Deleted rows too ({DeletedRows.WITH.value}), or alone{needs}"
    schema = {"type": "string", "enum": list(DELETED_ROWS)}
    return _parameter(DELETED, schema, description, DeletedRows.WITH.value)


def past_parameters(resource: ResourceDefinition, action: str) -> list[dict[str, Any]]:
    """Return the description of the parameter for the time of the rows, if an action has it."""
    if resource.history is None or action not in READING_ACTIONS:
        return []
    return [dict(AS_OF_PARAMETER)]


def _preset_parameters(resource: ResourceDefinition) -> list[dict[str, Any]]:
    if not resource.options.presets:
        return []
    schema = {"type": "string", "enum": list(resource.options.presets)}
    names = resource.compatibility.preset_parameters
    example = next(iter(resource.options.presets))
    return [_parameter(name, schema, "A named condition", example) for name in names]


def _page_parameters(most: int, *, paginated: bool) -> list[dict[str, Any]]:
    parameters = [dict(OFFSET_PARAMETER), dict(PAGE_PARAMETER)]
    if paginated:
        size = f"How many rows; 0 or less means {DEFAULT_COUNT}, more than {most} that many"
        schema = {"type": "integer", "default": DEFAULT_COUNT}
        parameters.append(_parameter("count", schema, size, 10))
        parameters += [dict(CURSOR_PARAMETER), dict(PREFER_COUNT)]
    return parameters


def _search_parameter(search: Search) -> dict[str, Any]:
    operator, fields = search.operator, [target.field for target in search.targets]
    names = ", ".join(dict.fromkeys(field.name for field in fields)) or "nothing"
    does = f"does not: {operator.description}" if search.negated else operator.description
    if search.index is not None:
        schema: dict[str, Any] = {**_SEARCH_TERM, "minLength": MIN_TERM_LENGTH}
        does = "contains, in any case,"
    elif operator.values == TEXT:
        schema = _SEARCH_TERM
    elif operator.values != "one" or any(field.codec.is_text for field in fields):
        schema = {"type": "string"}
    else:
        forms = [field.codec.accepts for field in fields]
        schema = forms[0] if len(forms) == 1 else {"anyOf": forms}
    does_this = f"Rows of which one of {names} {does} this"
    return _parameter(search.parameter, schema, does_this, _search_example(search))


def _filter_parameter(name: str, field: Field, operator: Operator, example: Any) -> dict[str, Any]:
    # A filter may be longer than its column: it matches no row.
    value = {"type": "string"} if field.codec.is_text else field.codec.accepts
    description = f"Rows whose {field.name} {operator.description} this"
    match operator.values:
        case "flag":
            return _parameter(name, {"type": "boolean"}, description, example=False)
        case "text":
            return _parameter(name, _SEARCH_TERM, description, example)
        case "two":
            if field.codec.is_text:
                value = {"type": "string", "pattern": "^[^,]*$"}
            two = {"items": value, "minItems": 2, "maxItems": 2}
            return _separated(name, two, description, [example, example])
        case "many":
            many = {"items": _or_null(value), "minItems": 1, "maxItems": MAX_VALUES}
            return _separated(name, many, description, [example])
        case _ if operator is EQUALS:
            description = f"{description}, or one of these"
            array = {"type": "array", "items": _or_null(value)}
            return _parameter(name, array, description, [example])
        case _:
            schema = _or_null(value) if operator.name == "ne" else value
            return _parameter(name, schema, description, example)


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that allows null, which a query contains as a word."""
    if schema == {"type": "string"}:
        return schema
    return {"anyOf": [schema, {"const": "null"}, {"type": "null"}]}


def _listed(name: str, values: Sequence[str], description: str, shown: int) -> dict[str, Any]:
    """Return the description of a parameter that lists some of these values, and shows so many."""
    items: dict[str, Any] = {"type": "string", "enum": list(values)}
    array: dict[str, Any] = {"items": items, "minItems": 1}
    return _separated(name, array, description, list(values[:shown]))


def _separated(
    name: str, array: dict[str, Any], description: str, example: list[Any]
) -> dict[str, Any]:
    """Return the description of a parameter with values separated by commas."""
    schema: dict[str, Any] = {"type": "array", **array}
    parameter = _parameter(name, schema, description, example)
    return {**parameter, "style": "form", "explode": False}


def _parameter(name: str, schema: dict[str, Any], description: str, example: Any) -> dict[str, Any]:
    parameter = {"name": name, "in": "query", "description": description, "schema": schema}
    if UNSET in (example if isinstance(example, list) else [example]):
        return parameter  # A type of which no usual value is known.
    return {**parameter, "example": example}


def _of_conditions(resource: ResourceDefinition, parameter: Mapping[str, Any]) -> dict[str, Any]:
    """Return a parameter of conditions; its example is by ``id``, by another key, or missing."""
    names = [field.name for field in resource.fields.key if field.name in resource.serializer.shown]
    if "id" in names:
        return dict(parameter)
    field = resource.serializer.shown.get(names[0]) if names else None
    example = UNSET if field is None else filter_example(field)
    if example is UNSET:
        return {name: value for name, value in parameter.items() if name != "example"}
    return {**parameter, "example": f"{names[0]}={text_of(example)}"}


def _search_example(search: Search) -> Any:
    """Return the example of a search: of the first of its fields that has one."""
    examples = (filter_example(target.field) for target in search.targets)
    found = next((example for example in examples if example is not UNSET), UNSET)
    if search.index is not None or search.operator.values == TEXT:
        return text_of(found) if found is not UNSET else UNSET
    return found


def text_of(value: Any) -> str:
    """Return a JSON value as a query has it."""
    return value if isinstance(value, str) else json.dumps(value)
