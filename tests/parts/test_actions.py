"""The five actions, PATCH, HEAD and OPTIONS: statuses, headers and bodies, on both databases."""

import re
import time
from typing import Any

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.parts.conftest import create, total

MEMBERS = ["id", "partNumber", "modelNumber", "name", "description", "createdAt", "updatedAt"]
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
BANANA = {
    "partNumber": "ban-bd",
    "modelNumber": 1,
    "name": "Banana Bread",
    "description": "Bread made from bananas",
}
MISSING_KEYS = [
    "2147483647",
    "-1",
    "x",
    "1.0",
    "1e3",
    "null",
    "%00",
    "%20",
    "%F0%9F%98%80",
    "9" * 19,
]


def await_next_millisecond(timestamp: str) -> None:
    """Wait until new timestamps differ from this one."""
    while (
        time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{_milliseconds():03}Z" <= timestamp
    ):
        time.sleep(0.0005)


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000 % 1000


def test_post_returns_201_with_the_row_and_its_location(parts: httpx.Client) -> None:
    response = parts.post("/parts", json=BANANA)
    row = response.json()
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json"
    assert response.headers["location"] == f"/parts/{row['id']}"
    assert list(row) == MEMBERS
    assert {**BANANA, "modelNumber": "1"}.items() <= row.items()
    assert row["createdAt"] == row["updatedAt"]
    assert TIMESTAMP.fullmatch(row["createdAt"])
    assert parts.get(response.headers["location"]).json() == row


@pytest.mark.parametrize("content", [b"", b"{}"])
def test_post_without_attributes_is_rejected(parts: httpx.Client, content: bytes) -> None:
    problem = assert_problem(parts.post("/parts", content=content), 400, "validation-failed")
    assert problem["message"] == "The body is empty: the row would hold nothing but nulls"
    assert parts.get("/parts").json() == []


def test_post_of_explicit_null_creates_row_of_nulls(parts: httpx.Client) -> None:
    row = create(parts, name=None)
    assert [row[name] for name in MEMBERS[1:5]] == [None] * 4
    assert list(row) == MEMBERS


def test_item_and_list_return_equal_rows(parts: httpx.Client) -> None:
    rows = [create(parts, name=name) for name in ("a", "b", "c")]
    response = parts.get("/parts")
    assert response.status_code == 200
    assert response.json() == rows
    assert [parts.get(f"/parts/{row['id']}").json() for row in rows] == rows


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_update_changes_named_attributes_and_updated_at(parts: httpx.Client, method: str) -> None:
    before = create(parts, **BANANA)
    await_next_millisecond(before["updatedAt"])
    path = f"/parts/{before['id']}"
    response = parts.request(method, path, json={"name": "A single dairy farm"})
    after = response.json()
    assert response.status_code == 200
    assert list(after) == MEMBERS
    assert after["updatedAt"] > before["updatedAt"]
    assert after == {**before, "name": "A single dairy farm", "updatedAt": after["updatedAt"]}
    assert parts.get(path).json() == after


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    "content",
    [b"", b"{}"],
    ids=["nothing", "empty"],
)
def test_update_without_attributes_changes_nothing(
    parts: httpx.Client, method: str, content: bytes
) -> None:
    before = create(parts, **BANANA)
    await_next_millisecond(before["updatedAt"])
    response = parts.request(method, f"/parts/{before['id']}", content=content)
    assert response.status_code == 200
    assert response.json() == before
    assert parts.get("/parts").json() == [before]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_update_with_the_response_of_get_changes_nothing(parts: httpx.Client, method: str) -> None:
    before = create(parts, **BANANA)
    await_next_millisecond(before["updatedAt"])
    path = f"/parts/{before['id']}"
    for body in (before, {"id": before["id"]}, {"createdAt": before["createdAt"]}):
        response = parts.request(method, path, json=body)
        assert (response.status_code, response.json()) == (200, before)
    changed = parts.request(method, path, json={**before, "name": "changed"}).json()
    assert changed == {**before, "name": "changed", "updatedAt": changed["updatedAt"]}
    assert changed["updatedAt"] > before["updatedAt"]


INVALID_BODIES: list[tuple[dict[str, Any], str]] = [
    (
        {"unknown": 1},
        "unknown is not a member of this body; known are id, partNumber, modelNumber,",
    ),
    ({"partNo": 1}, "partNo is not a member of this body; did you mean partNumber?"),
    ({"createdAt": "1970-01-01T00:00:00Z"}, "createdAt is read-only"),
    ({"updatedAt": True}, "updatedAt is read-only"),
]
INVALID_UPDATES: list[tuple[dict[str, Any], str]] = [
    ({"id": wrong}, "id is read-only") for wrong in (424242, "1", None)
]


@pytest.mark.parametrize(
    ("method", "body", "message"),
    [
        *(("POST", *case) for case in INVALID_BODIES),
        *(
            (method, *case)
            for case in INVALID_BODIES + INVALID_UPDATES
            for method in ("PUT", "PATCH")
        ),
    ],
)
def test_unknown_or_read_only_member_is_named_and_nothing_is_written(
    parts: httpx.Client, method: str, body: dict[str, Any], message: str
) -> None:
    before = create(parts, **BANANA)
    path = "/parts" if method == "POST" else f"/parts/{before['id']}"
    response = parts.request(method, path, json={"name": "b", **body})
    (error,) = assert_problem(response, 400, "validation-failed")["errors"]
    assert error["field"] == next(iter(body))
    assert error["message"].startswith(message)
    assert parts.get("/parts").json() == [before]


def test_null_clears_an_attribute(parts: httpx.Client) -> None:
    row = create(parts, **BANANA)
    response = parts.put(f"/parts/{row['id']}", json={"name": None, "description": None})
    assert response.json()["name"] is None
    assert response.json()["description"] is None
    assert response.json()["partNumber"] == "ban-bd"


def test_delete_returns_row_and_removes_it(parts: httpx.Client) -> None:
    kept, gone = create(parts, name="kept"), create(parts, name="gone")
    response = parts.delete(f"/parts/{gone['id']}")
    assert (response.status_code, response.json()) == (200, gone)
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert_problem(parts.request(method, f"/parts/{gone['id']}"), 404, "not-found", "Not Found")
    assert parts.get("/parts").json() == [kept]


def test_id_of_a_deleted_row_is_never_reused(parts: httpx.Client) -> None:
    last = create(parts)["id"]
    parts.delete(f"/parts/{last}")
    assert create(parts)["id"] > last


def test_chosen_id_must_be_unique(parts: httpx.Client) -> None:
    chosen = create(parts)["id"] + 100
    response = parts.post("/parts", json={"id": chosen, "name": "first"})
    assert response.status_code == 201
    assert response.headers["location"] == f"/parts/{chosen}"
    body = assert_problem(
        parts.post("/parts", json={"id": chosen, "name": "second"}), 409, "conflict"
    )
    assert body["errors"] == [{"field": "id", "message": "id must be unique"}]
    assert parts.get(f"/parts/{chosen}").json()["name"] == "first"
    assert total(parts) == 2


def test_chosen_id_does_not_collide_with_later_ids(
    parts: httpx.Client,
) -> None:
    chosen = create(parts)["id"] + 2
    create(parts, id=chosen)
    assert len({chosen, *(create(parts)["id"] for _ in range(3))}) == 4


@pytest.mark.parametrize("path", ["/parts", "/parts/{id}"])
def test_head_is_get_without_the_body(parts: httpx.Client, path: str) -> None:
    path = path.format(id=create(parts, **BANANA)["id"])
    got, head = parts.get(path), parts.head(path)
    assert head.status_code == 200
    assert head.content == b""
    for name in ("content-type", "content-length", "content-range"):
        assert head.headers.get(name) == got.headers.get(name)
    assert int(head.headers["content-length"]) == len(got.content)


def test_head_of_missing_row_is_404_without_body(parts: httpx.Client) -> None:
    response = parts.head("/parts/2147483647")
    assert (response.status_code, response.content) == (404, b"")


@pytest.mark.parametrize(
    ("path", "allow", "methods"),
    [
        ("/parts", "DELETE, GET, HEAD, OPTIONS, PATCH, POST", ["PUT", "TRACE", "NONSENSE"]),
        ("/parts/1", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT", ["POST", "TRACE", "NONSENSE"]),
    ],
)
def test_wrong_method_is_rejected_with_allow(
    parts: httpx.Client, path: str, allow: str, methods: list[str]
) -> None:
    row = create(parts)
    options = parts.options(path)
    assert (options.status_code, options.headers["allow"]) == (200, allow)
    for method in methods:
        response = parts.request(method, path)
        assert_problem(response, 405, "method-not-allowed")
        assert response.headers["allow"] == allow
    assert parts.get("/parts").json() == [row]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("key", MISSING_KEYS)
def test_missing_or_invalid_key_is_not_found(parts: httpx.Client, method: str, key: str) -> None:
    create(parts)
    body: Any = {"name": "x"} if method in ("PUT", "PATCH") else None
    response = parts.request(method, f"/parts/{key}", json=body)
    assert assert_problem(response, 404, "not-found", "Not Found")["errors"] == []


@pytest.mark.parametrize("path", ["/Parts", "/parts/1/2", "/part", "/parts//1"])
def test_unknown_path_is_not_found(parts: httpx.Client, path: str) -> None:
    assert_problem(parts.get(path), 404, "not-found", "Not Found")


def test_trailing_slash_is_ignored(parts: httpx.Client) -> None:
    row = create(parts)
    assert parts.get("/parts/").json() == [row]
    assert parts.get(f"/parts/{row['id']}/").json() == row


def test_request_id_of_client_is_returned(parts: httpx.Client) -> None:
    response = parts.get("/parts", headers={"X-Request-Id": "my-own.id_1"})
    assert response.headers["x-request-id"] == "my-own.id_1"
    response = parts.get("/parts", headers={"X-Request-Id": "spaces are not harmless"})
    assert re.fullmatch("[0-9a-f]{16}", response.headers["x-request-id"])
