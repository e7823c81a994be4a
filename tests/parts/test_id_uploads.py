"""``POST /parts/upload``: parts are matched by their id."""

from typing import Any

import httpx
import pytest

from tests.fixtures.openapi import json_schema, resolve
from tests.fixtures.problems import assert_problem
from tests.fixtures.system import System
from tests.parts.conftest import create, listed, total

UPLOAD = "/parts/upload"
CSV = {"Content-Type": "text/csv"}


def upload(parts: httpx.Client, *rows: dict[str, Any], **params: str) -> Any:
    """Upload rows; return the report."""
    response = parts.post(UPLOAD, json=rows, params=params)
    assert response.status_code == 200, response.text
    return response.json()


def statuses(report: Any) -> list[str]:
    return [row["status"] for row in report["rows"]]


def test_stored_id_is_updated_and_others_are_created(parts: httpx.Client) -> None:
    first, second = create(parts, name="a")["id"], create(parts, name="b")["id"]
    chosen = second + 50
    rows = [
        {"id": first, "name": "A"},
        {"id": second, "name": "b"},
        {"id": chosen, "name": "chosen"},
        {"name": "new"},
        {"id": None, "name": "null"},
    ]
    for params in ({"dry_run": "true"}, {"key": "id"}):
        report = upload(parts, *rows, **params)
        assert statuses(report) == ["updated", "unchanged", "created", "created", "created"]
    ids = [row["id"] for row in report["rows"]]
    assert ids[:3] == [first, second, chosen]
    assert len({*ids}) == 5
    assert min(ids[3:]) > chosen
    assert listed(parts, "sort=id") == ["A", "b", "chosen", "new", "null"]
    assert create(parts)["id"] > max(ids)


def test_csv_with_ids(parts: httpx.Client) -> None:
    id_ = create(parts, name="a", description="d")["id"]
    content = f"id,name,partNumber\n{id_},A,p1\n,new,p2\n"
    response = parts.post(f"{UPLOAD}?key=id", content=content, headers=CSV)
    assert statuses(response.json()) == ["updated", "created"]
    row = parts.get(f"/parts/{id_}").json()
    assert (row["name"], row["partNumber"], row["description"]) == ("A", "p1", "d")


def test_single_row_with_chosen_id_is_created_at_its_location(parts: httpx.Client) -> None:
    chosen = create(parts)["id"] + 7
    response = parts.post(UPLOAD, json={"id": chosen, "name": "a"})
    assert (response.status_code, response.headers["location"]) == (201, f"/parts/{chosen}")
    assert parts.post(UPLOAD, json={"id": chosen, "name": "b"}).status_code == 200
    assert parts.get(f"/parts/{chosen}").json()["name"] == "b"


def test_generated_ids_avoid_ids_of_later_rows(parts: httpx.Client) -> None:
    following = create(parts)["id"] + 1
    rows = [{"name": "generated"}, *({"id": following + n, "name": "given"} for n in range(5))]
    report = upload(parts, *rows)
    assert report["created"] == 6
    assert [row["id"] for row in report["rows"][1:]] == [following + n for n in range(5)]


def test_duplicate_and_unassignable_ids_are_rejected(parts: httpx.Client) -> None:
    id_ = create(parts)["id"] + 1
    most = int(schema_id(parts)["maximum"])
    rows = [{"id": id_}, {"id": id_}, {"id": most + 1}, {"id": "x"}]
    report = upload(parts, *({**row, "name": "a"} for row in rows), mode="partial")
    assert statuses(report) == ["created", "rejected", "rejected", "rejected"]
    messages = [row["errors"][0]["message"] for row in report["rows"][1:]]
    assert messages[0] == "id must be unique: the same as in line 1"
    assert messages[1] == f"id must be at most {most}"
    assert messages[2].startswith("id must be an integer")
    assert total(parts) == 2


def test_empty_row_is_rejected_as_an_empty_part_is(parts: httpx.Client) -> None:
    report = upload(parts, {}, {"name": None}, mode="partial")
    assert statuses(report) == ["rejected", "created"]
    message = "The row is empty: it would hold nothing but nulls"
    assert report["rows"][0]["errors"] == [{"field": "", "message": message}]
    assert parts.post(UPLOAD, json={}).status_code == 400
    assert total(parts) == 1


def schema_id(parts: httpx.Client) -> dict[str, Any]:
    document = parts.get("/openapi.json").json()
    row = resolve(document, json_schema(document["paths"][UPLOAD]["post"]["requestBody"])["items"])
    schema: dict[str, Any] = row["properties"]["id"]
    return schema


@pytest.mark.parametrize("key", ["name", "partNumber", "", "id,name"])
def test_field_that_is_not_unique_is_no_key(parts: httpx.Client, key: str) -> None:
    response = parts.post(UPLOAD, json=[], params={"key": key})
    body = assert_problem(response, 400, "invalid-query")
    assert body["errors"] == [
        {
            "field": "key",
            "message": "key must be id: no other field is a primary key or has a unique constraint",
        }
    ]


def test_upload_needs_the_scope_of_parts(system: System, parts: httpx.Client) -> None:
    headers = {"Authorization": f"Bearer {system.token('another_scope')}"}
    response = httpx.post(f"{system.url}{UPLOAD}", json=[], headers=headers)
    assert_problem(response, 403, "forbidden")
    assert total(parts) == 0


def test_openapi_says_how_to_upload(document: dict[str, Any]) -> None:
    operation = document["paths"][UPLOAD]["post"]
    (key,) = [p for p in operation["parameters"] if p["name"] == "key"]
    assert key["schema"] == {"type": "string", "enum": ["id"], "default": "id"}
    assert set(operation["requestBody"]["content"]) >= {"application/json", "text/csv"}
    row = json_schema(operation["requestBody"])["items"]
    assert row == {"$ref": "#/components/schemas/PartCreate"}
