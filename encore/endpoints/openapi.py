"""OpenAPI 3.1 descriptions of generated operations, beyond what FastAPI reads from a signature.

The parameters of lists, the headers of responses, and every problem that an operation may return.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, WithJsonSchema

from encore.database.expressions.text_search import MAX_PATTERN_LENGTH
from encore.database.search_index.conditions import MIN_TERM_LENGTH
from encore.http.form_body import FORM
from encore.http.prefer_header import COUNT_MODES
from encore.models.fields import Field
from encore.query.field_lookup import Search
from encore.query.operators import EQUALS, OPERATORS, SEPARATOR, TEXT, Operator
from encore.query.page_parameters import CURSOR, DEFAULT_COUNT, MAX_OFFSET
from encore.query.parser import CHILDREN, FIELDS, NOT_PARAMETER, OR_PARAMETER
from encore.query.value_parsing import MAX_VALUES
from encore.resource.definition import ResourceDefinition

_SOUGHT: Final = {"type": "string", "maxLength": MAX_PATTERN_LENGTH}
_FIELD_ERROR: Final = {
    "type": "object",
    "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
    "required": ["field", "message"],
}


class Problem(BaseModel):
    """RFC 9457, with Finale's ``message`` and ``errors``."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    message: str
    errors: Annotated[
        list[Any],
        WithJsonSchema({"type": "array", "items": {"anyOf": [_FIELD_ERROR, {"type": "string"}]}}),
    ]


_PROBLEMS: Final[Mapping[int, str]] = {
    400: "The query or the body is invalid",
    401: "No valid token",
    403: "The token lacks the scope",
    404: "There is no such row",
    406: "Accept excludes the media types of this operation",
    409: "The row would break a unique or foreign key",
    412: "A precondition does not hold",
    413: "The body is too large",
    415: "The body has a media type or content coding that this operation does not read",
    422: "The idempotency key was used for another request",
    503: "The keys or the database are unavailable",
}
_CONFLICT: Final = 409
_OF_EVERY_ACTION: Final = (400, 401, 403, 503)
_OF_ACTION: Final[Mapping[str, tuple[int, ...]]] = {
    "create": (409, 412, 413, 415),
    "list": (),
    "read": (404,),
    "update": (404, 409, 412, 413, 415),
    "delete": (404, 409, 412),
}
_HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "create": {"Location": {"description": "The path of the row", "schema": {"type": "string"}}},
    "list": {
        "Content-Range": {
            "description": "The range of these rows and the total: items a-b/total; for a page"
            " after the last row items */total, or items a-(a-1)/total as in Finale; items a-b/* if"
            " they are not counted",
            "schema": {"type": "string", "pattern": r"^items ((\d+-\d+|\*)/\d+|\d+-\d+/\*)$"},
        },
        "Link": {
            "description": "The next page, the previous and the first, if there are any"
            " (RFC 8288: next, prev, first)",
            "schema": {"type": "string"},
        },
        "Preference-Applied": {
            "description": "How the rows were counted, if Prefer chose it or they are estimated",
            "schema": {"type": "string", "enum": [f"count={name}" for name in COUNT_MODES]},
        },
    },
}


_INVALID_VALUES: Final[Mapping[str, Any]] = {
    "Invalid-Values": {
        "description": "How many stored values do not fit their columns; they are shown as text",
        "schema": {"type": "integer", "minimum": 1},
    }
}


def problem_responses(
    action: str, path: str, produces: Sequence[str], *, conflicts: bool = True
) -> dict[int | str, dict[str, Any]]:
    """Return the problems that an action may respond with, for OpenAPI.

    Args:
        action: The action's name.
        path: Its path template; a parent in it may not exist.
        produces: The media types that ``Accept`` is compared with; empty for none.
        conflicts: Whether conflicts are 409; they are 400 otherwise.
    """
    of_path = (404,) if "{" in path else ()
    of_accept = (406,) if produces else ()
    statuses = {*_OF_EVERY_ACTION, *_OF_ACTION[action], *of_path, *of_accept}
    return problems(sorted(statuses if conflicts else statuses - {_CONFLICT}))


def problems(statuses: Iterable[int]) -> dict[int | str, dict[str, Any]]:
    """Return the problems with these statuses, for OpenAPI."""
    return {
        status: {"description": _PROBLEMS[status], "content": _PROBLEM_CONTENT}
        for status in statuses
    }


_PROBLEM_CONTENT: Final = {
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
}


_PREFER: Final[Mapping[str, Any]] = {
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


def operation_extras(
    resource: ResourceDefinition,
    action: str,
    status: int,
    form: Mapping[str, Any] | None = None,
    streams: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what a signature cannot describe: query parameters, headers and streams.

    Args:
        resource: The resource.
        action: The action's name.
        status: The status of its response.
        form: The JSON schema of a form that it reads besides JSON.
        streams: The media types of streams of all rows.
    """
    extras: dict[str, Any] = {}
    if action == "list":
        extras["parameters"] = list_parameters(resource)
    elif action != "create":
        extras["parameters"] = row_parameters(resource)
    own_schema = resource.options.bodies.get(action)
    if own_schema is not None:
        extras["requestBody"] = json_body(own_schema)
    if form is not None:
        body = extras.setdefault("requestBody", {})
        schema = form if own_schema is None else own_schema
        body["content"] = {**body.get("content", {}), FORM: {"schema": schema}}
    if action == "update" or (
        action == "create"
        and not resource.bodies.rejects_empty
        and not any(f.required for f in resource.bodies.creatable)
    ):  # An omitted body means an empty object.
        extras["requestBody"] = {**extras.get("requestBody", {}), "required": False}
    if action != "delete":
        own_headers = {} if action == "list" and not resource.options.pagination else _HEADERS
        headers = {**own_headers.get(action, {}), **_INVALID_VALUES}
        answer: dict[str, Any] = {"headers": headers}
        if streams:
            answer["content"] = {name: {"schema": {"type": "string"}} for name in streams}
        extras["responses"] = {str(status): answer}
    return extras


def json_body(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a body, from its JSON schema."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def list_parameters(resource: ResourceDefinition) -> list[dict[str, Any]]:
    """Return the descriptions of all query parameters of a list."""
    parameters = [_search_parameter(search) for search in resource.searches]
    orders = [sign + name for name in resource.parser.sortable for sign in ("", "-")]
    parameters += [
        _listed(resource.options.sort.param, orders, "Fields to sort by; - for descending"),
        *_page_parameters(
            resource.compatibility.paging.max_count, paginated=resource.options.pagination
        ),
        _parameter(OR_PARAMETER, _CONDITIONS, f"Conditions, one of which must hold; {_GRAMMAR}"),
        _parameter(NOT_PARAMETER, _CONDITIONS, f"Conditions, none of which may hold; {_GRAMMAR}"),
        *row_parameters(resource),
    ]
    taken = {parameter["name"] for parameter in parameters}
    for name, field in resource.serializer.names.all():
        if name not in taken and EQUALS.supports(field) and "." not in name:
            parameters.append(_filter_parameter(name, field, EQUALS))
        parameters += [
            _filter_parameter(f"{name}{SEPARATOR}{operator.name}", field, operator)
            for operator in OPERATORS.values()
            if operator.supports(field)
        ]
    return parameters


def row_parameters(resource: ResourceDefinition) -> list[dict[str, Any]]:
    """Return the descriptions of the query parameters of an action on one row.

    Lists have them too.
    """
    serializer = resource.serializer
    parameters = [
        _listed(FIELDS, [*serializer.shown, *serializer.children], "The fields to return")
    ]
    if resource.options.presets:
        schema: dict[str, Any] = {"type": "string", "enum": list(resource.options.presets)}
        parameters += [
            _parameter(name, schema, "A named condition")
            for name in resource.compatibility.preset_parameters
        ]
    if serializer.children:
        items: dict[str, Any] = {"type": "string", "enum": list(serializer.children)}
        schema = {"type": "array", "items": items}
        text = "The relations to embed; others are omitted"
        parameters.append(
            {**_parameter(CHILDREN, schema, text), "style": "pipeDelimited", "explode": False}
        )
    return parameters


def _page_parameters(most: int, *, paginated: bool) -> list[dict[str, Any]]:
    natural = {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0}
    parameters = [
        _parameter("offset", natural, "How many rows to skip"),
        _parameter("page", natural, "Which page, from 0; adds to offset"),
    ]
    if paginated:
        size = f"How many rows; 0 or less means {DEFAULT_COUNT}, more than {most} that many"
        schema = {"type": "integer", "default": DEFAULT_COUNT}
        parameters.append(_parameter("count", schema, size))
        cursor = {"type": "string", "format": "cursor"}
        text = "The position of the page: from the Link of another page; not with offset or page"
        parameters += [_parameter(CURSOR, cursor, text), dict(_PREFER)]
    return parameters


def _search_parameter(search: Search) -> dict[str, Any]:
    operator, fields = search.operator, [target.field for target in search.targets]
    names = ", ".join(dict.fromkeys(field.name for field in fields)) or "nothing"
    does = f"does not: {operator.description}" if search.negated else operator.description
    if search.index is not None:
        schema: dict[str, Any] = {**_SOUGHT, "minLength": MIN_TERM_LENGTH}
        does = "contains, in any case,"
    elif operator.values == TEXT:
        schema = _SOUGHT
    elif operator.values != "one" or any(field.codec.is_text for field in fields):
        schema = {"type": "string"}
    else:
        forms = [field.codec.accepts for field in fields]
        schema = forms[0] if len(forms) == 1 else {"anyOf": forms}
    return _parameter(search.parameter, schema, f"Rows of which one of {names} {does} this")


def _filter_parameter(name: str, field: Field, operator: Operator) -> dict[str, Any]:
    # A filter may be longer than its column: it matches no row.
    value = {"type": "string"} if field.codec.is_text else field.codec.accepts
    text = f"Rows whose {field.name} {operator.description} this"
    match operator.values:
        case "flag":
            return _parameter(name, {"type": "boolean"}, text)
        case "text":
            return _parameter(name, _SOUGHT, text)
        case "two":
            if field.codec.is_text:
                value = {"type": "string", "pattern": "^[^,]*$"}
            return _separated(name, {"items": value, "minItems": 2, "maxItems": 2}, text)
        case "many":
            many = {"items": _or_null(value), "minItems": 1, "maxItems": MAX_VALUES}
            return _separated(name, many, text)
        case _ if operator is EQUALS:
            text = f"{text}, or one of these"
            return _parameter(name, {"type": "array", "items": _or_null(value)}, text)
        case _:
            return _parameter(name, _or_null(value) if operator.name == "ne" else value, text)


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that allows null, which a query contains as a word."""
    if schema == {"type": "string"}:
        return schema
    return {"anyOf": [schema, {"const": "null"}, {"type": "null"}]}


def _listed(name: str, values: Sequence[str], text: str) -> dict[str, Any]:
    items: dict[str, Any] = {"type": "string", "enum": list(values)}
    array: dict[str, Any] = {"items": items, "minItems": 1}
    return _separated(name, array, text)


def _separated(name: str, array: dict[str, Any], text: str) -> dict[str, Any]:
    """Return the description of a parameter with values separated by commas."""
    schema: dict[str, Any] = {"type": "array", **array}
    return {**_parameter(name, schema, text), "style": "form", "explode": False}


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}
