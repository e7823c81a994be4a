"""Targets of descriptions: kinds of fields, keys and scopes."""

from typing import Any

import pytest

from client.importing.mapping.loading import build_mapping
from client.importing.rows.row_error import RowError
from client.importing.rows.row_mapper import RowMapper
from client.importing.targets.openapi import find_target
from encore.client.errors import UnexpectedResponseError, UsageError


def nullable(type_: str, **schema: Any) -> dict[str, Any]:
    return {"type": [type_, "null"], **schema}


MEMBERS: dict[str, Any] = {
    "code": {"type": "string"},
    "size": {"type": "string"},
    "price": nullable("number"),
    "rate": nullable("string", format="decimal"),
    "count": nullable("integer"),
    "active": {"type": "boolean"},
    "sold": nullable("string", format="date-time"),
    "due": {"type": "string", "format": "date"},
    "label": {"anyOf": [{"type": "string"}, {"type": "number"}]},
    "tags": {"type": "array"},
}


def document(**changes: Any) -> dict[str, Any]:
    row = {"type": "object", "properties": MEMBERS, "required": ["price"]}
    shown = {"type": "object", "properties": {"id": {"type": "integer"}, **MEMBERS}}
    key = {"name": "key", "schema": {"enum": ["code", "code,size"], "default": "code"}}
    operation = {
        "parameters": [key],
        "requestBody": json_content({"type": "array", "items": reference("StockCreate")}),
        "responses": {"201": json_content(reference("Stock"))},
        "security": [{"oauth": ["a", "b"]}],
        **changes,
    }
    return {
        "paths": {"/v1/stock/upload": {"post": operation}, "/v1/stock": {"get": {}}},
        "components": {"schemas": {"StockCreate": row, "Stock": shown}},
    }


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def json_content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def map_row(row: dict[str, Any], *columns: str, **mapping: Any) -> dict[str, Any]:
    target = find_target(document(), "stock", None)
    return RowMapper(build_mapping(mapping, target), columns).map_row(row).fields


def test_target_has_fields_key_scope_and_path_of_the_operation() -> None:
    target = find_target(document(), "stock", None)
    assert target.kinds == {
        "code": "string",
        "size": "string",
        "price": "number",
        "rate": "decimal",
        "count": "integer",
        "active": "boolean",
        "sold": "timestamp",
        "due": "date",
        "label": "string",
        "tags": "json",
    }
    assert (target.required, target.read_only, target.key) == (("price",), ("id",), ("code",))
    assert (target.scope, target.path) == ("a b", "/v1/stock/upload")


def test_key_of_several_fields_is_chosen_in_their_order() -> None:
    assert find_target(document(), "stock", "code, size").key == ("code", "size")
    with pytest.raises(UsageError, match="--key size cannot identify rows of stock"):
        find_target(document(), "stock", "size")


def test_upload_below_another_resource_is_not_a_target_and_two_of_a_name_are_refused() -> None:
    described = document()
    ((path, item),) = [(p, i) for p, i in described["paths"].items() if p.endswith("/upload")]
    paths = {path: item, "/v1/shops/{id}/stock/upload": item}
    nested = {**described, "paths": paths}
    assert find_target(nested, "stock", None).path == path
    with pytest.raises(UsageError, match="is not clear: the API has the uploads /v1/stock/upload"):
        find_target({"paths": {path: item, "/v2/stock/upload": item}}, "stock", None)


def test_shared_parts_of_the_description_are_found() -> None:
    described = document()
    operation = described["paths"]["/v1/stock/upload"]["post"]
    components = {
        **described["components"],
        "parameters": {
            "a/b": operation["parameters"][0],
            "b": {"$ref": "#/components/parameters/b"},
        },
    }
    operation["parameters"] = [{"$ref": "#/components/parameters/a~1b"}]
    shared = {**described, "components": components}
    assert find_target(shared, "stock", None) == find_target(document(), "stock", None)
    operation["parameters"] = [{"$ref": "#/components/parameters/b"}]
    with pytest.raises(UnexpectedResponseError, match=r"openapi\.json"):
        find_target(shared, "stock", None)


@pytest.mark.parametrize("broken", [None, [], {}, {"paths": []}, document(requestBody={})])
def test_other_documents_are_refused(broken: Any) -> None:
    with pytest.raises(UnexpectedResponseError, match=r"openapi\.json"):
        find_target(broken, "stock", None)


def test_texts_become_values_of_their_kinds() -> None:
    cells = {
        "code": "007",
        "price": "1.234,5",
        "rate": "-1.234,50000000000000000000000000000000000001",
        "count": "3",
        "active": "TRUE",
        "sold": "02.03.2026 09:00",
        "due": "03.03.2026",
        "label": "4",
    }
    fields = map_row(
        cells,
        *cells,
        fields={name: name for name in cells},
        decimal_comma=True,
        date_format=["%d.%m.%Y %H:%M", "%d.%m.%Y"],
        time_zone="Europe/Berlin",
    )
    assert fields == {
        "code": "007",
        "price": 1234.5,
        "rate": "-1234.50000000000000000000000000000000000001",
        "count": 3,
        "active": True,
        "sold": "2026-03-02T08:00:00.000Z",
        "due": "2026-03-03",
        "label": "4",
    }


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"price": "1,5"}, "price must be a number, not '1,5'"),
        ({"price": "--1"}, "price must be a number"),
        ({"price": "0.12345678901234567"}, "more digits than a JSON number"),
        ({"count": "3.5"}, "count must be an integer"),
        ({"active": "yes"}, "active must be true or false, not 'yes'"),
        ({"due": "2026-03-03 10:00"}, "without a time of day"),
        ({"sold": "soon"}, "sold must be"),
    ],
)
def test_other_texts_are_rejected_with_the_column(cells: dict[str, str], words: str) -> None:
    row = {"code": "1", "price": "1", **cells}
    with pytest.raises(RowError, match=words):
        map_row(row, *row)


@pytest.mark.parametrize(("text", "number"), [("-1.5", -1.5), ("+2", 2), ("\N{MINUS SIGN}3", -3)])
def test_numbers_have_signs(text: str, number: float) -> None:
    assert map_row({"code": "1", "price": text}, "code", "price")["price"] == number


def test_values_of_json_are_sent_as_they_are() -> None:
    row = {"code": "1", "price": 0.1, "active": False, "tags": ["a"], "count": None}
    assert map_row(row) == row


def test_value_map_may_give_booleans() -> None:
    values = {"active": {"ja": True, "nein": False}}
    names = {"code": "code", "price": "price", "active": "active"}
    row = {"code": "1", "price": "1", "active": "nein"}
    assert map_row(row, *row, fields=names, values=values)["active"] is False
