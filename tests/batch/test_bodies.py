"""Bodies of batches that are rejected before anything is run."""

from typing import Any

import pytest

from tests.batch.conftest import BatchApi, operation
from tests.fixtures.library import assert_field_errors
from tests.fixtures.library_models import User

ADA = operation("POST", "/users", {"firstName": "Ada"}, id="ada")
ANY = operation("GET", "/users")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["operations"]),
        ({"operations": None}, ["operations"]),
        ({"operations": {}}, ["operations"]),
        ({"operations": []}, ["operations"]),
        ({"operations": [ANY], "atomic": 1}, ["atomic"]),
        ({"operations": [ANY], "atomik": True}, ["atomik"]),
        ({"operations": [ANY, 7, []]}, ["operations[1]", "operations[2]"]),
        ({"operations": [ANY] * 1_001}, ["operations"]),
        ({"operations": [{}]}, ["operations[0].method"]),
        ({"operations": [{"method": []}]}, ["operations[0].method"]),
        ({"operations": [operation("HEAD", "/users")]}, ["operations[0].method"]),
        ({"operations": [operation("GET", 7)]}, ["operations[0].path"]),  # type: ignore[arg-type] # on purpose
        ({"operations": [{**ANY, "url": "x"}]}, ["operations[0].url"]),
        ({"operations": [{**ANY, "id": 7}]}, ["operations[0].id"]),
        ({"operations": [{**ANY, "id": "a.b"}]}, ["operations[0].id"]),
        ({"operations": [{**ANY, "id": None}]}, ["operations[0].id"]),
        ({"operations": [{**ANY, "id": "a"}] * 2}, ["operations[1].id"]),
        ({"operations": [{**ANY, "body": None}]}, ["operations[0].body"]),
        ({"operations": [{**ANY, "headers": []}]}, ["operations[0].headers"]),
        ({"operations": [operation("GET", "/users/{a.id}", id="a")]}, ["operations[0].path"]),
        (
            {"operations": [operation("GET", "/users/{ada.id}"), ADA]},
            ["operations[0].path"],
        ),
        (
            {"operations": [ADA, operation("POST", "/users", {"x": [{"$ref": "bob.id"}]})]},
            ["operations[1].body.x[0]"],
        ),
    ],
)
def test_malformed_batch_is_rejected_as_a_whole(
    api: BatchApi, body: dict[str, Any], fields: list[str]
) -> None:
    assert_field_errors(api.post("/batch", body), 400, *fields)
    assert_field_errors(
        api.post("/batch", {**body, "atomic": body.get("atomic", False)}), 400, *fields
    )
    assert api.rows(User) == []


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"Idempotency-Key": "1"}, "Idempotency-Key"),
        ({"Accept": "text/csv"}, "Accept"),
        ({"Authorization": "Bearer x"}, "Authorization"),
        ({"X-Own": "x"}, "X-Own"),
        ({"Prefer": 7}, "Prefer"),
        ({"Prefer": "a\r\nX: b"}, "Prefer"),
        ({"Prefer": "a", "prefer": "b"}, "prefer"),
        ({"Content-Type": "text/csv"}, "Content-Type"),
        ({"Content-Type": "application/json; charset=latin-1"}, "Content-Type"),
    ],
)
def test_header_that_an_operation_may_not_have_is_named(
    api: BatchApi, headers: dict[str, Any], field: str
) -> None:
    response = api.batch({**ANY, "headers": headers})
    assert_field_errors(response, 400, f"operations[0].headers.{field}")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"operations": [{"method": "GET", "method": "GET", "path": "/users"}]}',
        b'{"operations": [{"method": "POST", "path": "/users", "body": {"age": NaN}}]}',
        rb'{"operations": [{"method": "POST", "path": "/users", "body": {"a": "\ud800"}}]}',
        b'{"operations": [{"method": "POST", "path": "/users", "body": ' + b"[" * 100_000,
        b'{"operations": [{"method": "POST", "path": "/users", "body": '
        + b"[" * 700
        + b"]" * 700
        + b"}]}",
    ],
)
def test_body_that_is_no_json_object_is_rejected(api: BatchApi, content: bytes) -> None:
    response = api.request(
        "POST", "/batch", content=content, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400, response.text


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match", "If-Unmodified-Since"])
def test_precondition_of_the_batch_itself_is_rejected(api: BatchApi, header: str) -> None:
    assert_field_errors(api.batch(ANY, headers={header: '"x"'}), 400, header)


def test_batch_has_no_parameters_and_one_media_type(api: BatchApi) -> None:
    body = {"operations": [ANY]}
    assert_field_errors(api.post("/batch?dry_run=true", body), 400, "dry_run")
    assert api.post("/batch", body, headers={"Content-Type": "text/csv"}).status_code == 415
    assert api.post("/batch", body, headers={"Accept": "text/csv"}).status_code == 406


def test_numbers_of_operations_are_those_that_were_sent(api: BatchApi) -> None:
    start = (
        b'{"operations": [{"method": "POST", "path": "/users", "body": {"firstName": "A", "age": '
    )
    for number, status in ((b"1e400", 400), (b"12345678901234567890", 400), (b"7", 200)):
        content_type = {"Content-Type": "application/json"}
        response = api.request(
            "POST", "/batch", content=start + number + b"}}]}", headers=content_type
        )
        assert response.status_code == status, response.text
