"""Unknown query parameters: rejected with a suggestion, or ignored on request."""

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.parts.conftest import create, listed

MISSPELT = [
    ("naem", "name"),
    ("nmae", "name"),
    ("Name", "name"),
    ("part_number", "partNumber"),
    ("partnumber", "partNumber"),
    ("modelNo", "modelNumber"),
    ("created_at", "createdAt"),
    ("descripton", "description"),
    ("counts", "count"),
    ("offsett", "offset"),
    ("pages", "page"),
    ("sorted", "sort"),
    ("name[]", "name"),
    ("name ", "name"),
]


def test_misspelt_parameter_is_rejected_with_a_suggestion(parts: httpx.Client) -> None:
    create(parts, name="a")
    for name, nearest in MISSPELT:
        response = parts.get("/parts", params={name: "a"})
        body = assert_problem(response, 400, "invalid-query")
        assert body["message"] == f"Unknown query parameter {name!r}: did you mean {nearest}?"
        assert [error["field"] for error in body["errors"]] == [name]


def test_parameter_similar_to_none_is_rejected_with_all_names(
    parts: httpx.Client,
) -> None:
    body = assert_problem(parts.get("/parts?zzzzzz=1"), 400, "invalid-query")
    for name in ("id", "partNumber", "createdAt", "q", "sort", "count", "offset", "page"):
        assert name in body["message"]


def test_parameters_of_actions_without_any_are_rejected_and_nothing_is_changed(
    parts: httpx.Client,
) -> None:
    row = create(parts, name="as it was")
    path = f"/parts/{row['id']}"
    for method, target in [
        ("GET", path),
        ("HEAD", path),
        ("PUT", path),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", "/parts"),
    ]:
        response = parts.request(method, f"{target}?name=other", json={"name": "changed"})
        assert response.status_code == 400, method
        if method != "HEAD":
            assert_problem(response, 400, "invalid-query")
    assert parts.get("/parts").json() == [row]


@pytest.mark.parametrize(
    "prefer",
    [
        "handling=lenient",
        "Handling=Lenient",
        "return=representation, handling=lenient",
        "handling=lenient;x",
    ],
)
def test_unknown_parameter_is_ignored_with_handling_lenient(
    parts: httpx.Client, prefer: str
) -> None:
    row = create(parts, name="a")
    create(parts, name="b")
    headers = {"Prefer": prefer}
    assert parts.get("/parts?zzz=1&name=a", headers=headers).json() == [row]
    path = f"/parts/{row['id']}?zzz=1"
    assert parts.get(path, headers=headers).json() == row
    assert parts.put(path, headers=headers, json={"name": "c"}).json()["name"] == "c"
    assert parts.delete(path, headers=headers).json()["name"] == "c"
    body = {"name": "d", "zzz": 1, "createdAt": "2001-01-01T00:00:00.000Z"}
    made = parts.post("/parts?zzz=1", headers=headers, json=body)
    assert made.status_code == 201
    assert made.json()["createdAt"] > "2020"
    path = made.headers["location"]
    assert parts.put(path, headers=headers, json={**body, "id": 0}).json()["name"] == "d"


@pytest.mark.parametrize("prefer", ["handling=strict", "lenient", "return=minimal", ""])
def test_unknown_parameter_with_any_other_preference_is_rejected(
    parts: httpx.Client, prefer: str
) -> None:
    response = parts.get("/parts?zzz=1", headers={"Prefer": prefer})
    assert_problem(response, 400, "invalid-query")


def test_invalid_value_with_handling_lenient_is_rejected(parts: httpx.Client) -> None:
    headers = {"Prefer": "handling=lenient"}
    for query in ("count=x", "sort=zzz", "id=x", "q=%00"):
        assert parts.get(f"/parts?{query}", headers=headers).status_code == 400, query


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("name=%FF", "The query must be percent-encoded UTF-8"),
        ("%FF=1", "The query must be percent-encoded UTF-8"),
        ("&".join(["name=a"] * 201), "The query may have at most 200 parameters"),
        ("name=" + "a" * 16_384, "The query may have at most 16384 bytes"),
    ],
)
def test_query_beyond_the_limits_is_rejected(parts: httpx.Client, query: str, message: str) -> None:
    assert_problem(parts.get(f"/parts?{query}"), 400, "invalid-query", message)


@pytest.mark.parametrize("query", ["", "&", "&&name=a&", "name=a&name=a", "name=a&q="])
def test_empty_parameters_are_ignored(parts: httpx.Client, query: str) -> None:
    create(parts, name="a")
    assert listed(parts, query) == ["a"]
