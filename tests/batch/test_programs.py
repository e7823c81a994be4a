"""Random programs of operations: as a batch, and as the same requests one by one."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encore.database.engine import with_connection
from tests.batch.conftest import BatchApi, empty_tables, operation
from tests.fixtures.library_models import Book, Tag, User

Operation = dict[str, Any]

_MODELS: Final = (User, Book, Tag)
_VARYING: Final = re.compile(r"createdAt|updatedAt|request_id")
_LABELS: Final = st.sampled_from(["a", "b", "ä/c", ""])
_EMAILS: Final = st.sampled_from(["x@y", "z@y", None])

ids = st.integers(1, 4)
users = st.fixed_dictionaries(
    {"firstName": st.sampled_from(["Ada", "Bob", 7])}, optional={"email": _EMAILS, "age": ids}
)
books = st.fixed_dictionaries(
    {"title": st.sampled_from(["x", "y"])},
    optional={"authorId": st.none() | ids | st.just("of-a"), "pages": st.integers(-1, 3)},
)
operations = st.one_of(
    st.builds(lambda body: operation("POST", "/users", body), users),
    st.builds(lambda body: operation("POST", "/books", body), books),
    st.builds(lambda label: operation("POST", "/tags", {"label": label}), _LABELS),
    st.builds(lambda id_, body: operation("PATCH", f"/users/{id_}", body), ids, users),
    st.builds(lambda id_: operation("DELETE", f"/users/{id_}"), ids),
    st.builds(lambda id_: operation("DELETE", f"/books/{id_}"), ids),
    st.builds(lambda id_: operation("GET", f"/books/{id_}"), ids),
    st.sampled_from(
        [
            operation("GET", "/users?sort=-id&count=2"),
            operation("GET", "/users?firstName=Ada"),
            operation("GET", "/books?nonsense=1"),
            operation("PATCH", "/users?firstName=Ada", {"rank": 3}),
            operation("DELETE", "/tags?label=a"),
            operation("GET", "/users/{a.id}"),
            operation("DELETE", "/users/{a.id}"),
            operation("PATCH", "/books/{a.id}", {"title": {"$ref": "a.firstName"}}),
        ]
    ),
)
first = st.builds(lambda body: operation("POST", "/users", body, id="a"), users)
programs = st.builds(lambda a, rest: [a, *rest], first, st.lists(operations, max_size=8))


def with_references(one: Operation) -> Operation:
    """Return an operation whose foreign key may be a reference."""
    if one.get("body", {}).get("authorId") == "of-a":
        return {**one, "body": {**one["body"], "authorId": {"$ref": "a.id"}}}
    return one


def resolved(one: Operation, row: Mapping[str, Any]) -> tuple[str, Any]:
    """Return path and body of an operation with the values of ``a``."""
    path = re.sub(r"\{a\.(\w+)\}", lambda m: quote(str(row[m[1]]), safe=""), one["path"])
    body = {
        name: row[value["$ref"].removeprefix("a.")] if isinstance(value, dict) else value
        for name, value in one.get("body", {}).items()
    }
    return path, body if "body" in one else None


def send_each(api: BatchApi, program: Sequence[Operation]) -> list[httpx.Response]:
    """Send the operations one by one, until one fails."""
    responses: list[httpx.Response] = []
    for one in program:
        path, body = resolved(one, responses[0].json() if responses else {})
        content = {"json": body} if body is not None else {}
        responses.append(api.request(one["method"], path, **content))
        if responses[-1].status_code >= 400:
            break
    return responses


def comparable(body: Any) -> str:
    """Return JSON without timestamps and the ids of requests."""
    text = json.dumps(body, sort_keys=True)
    return re.sub(rf'"({_VARYING.pattern})": "[^"]*"', "", text)


def tables(api: BatchApi) -> str:
    rows = [dict(row) for model in _MODELS for row in api.rows(model)]
    return comparable([{name: str(value) for name, value in row.items()} for row in rows])


def emptied(api: BatchApi) -> None:
    with_connection(api.url, empty_tables)


@pytest.mark.parametrize("atomic", [True, False])
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(program=programs)
def test_batch_does_what_its_operations_do(
    api: BatchApi, program: list[Operation], *, atomic: bool
) -> None:
    program = [with_references(one) for one in program]
    emptied(api)
    responses = send_each(api, program)
    alone = tables(api)
    failed = responses[-1].status_code >= 400
    emptied(api)
    # Operations after a failure are left out: those that refer to it would not be sent.
    sent = program if atomic else program[: len(responses)]
    batch = api.batch(*sent, atomic=atomic)
    if atomic and failed:
        assert batch.status_code == responses[-1].status_code, batch.text
        problem, own = batch.json(), responses[-1].json()
        assert problem["type"] == own["type"]
        assert problem["operation"]["index"] == len(responses) - 1
        assert all(api.rows(model) == [] for model in _MODELS)
        return
    assert batch.status_code == 200, batch.text
    results = batch.json()["results"]
    assert [result["status"] for result in results] == [r.status_code for r in responses]
    for result, response in zip(results, responses, strict=True):
        assert comparable(result["body"]) == comparable(response.json())
        # Entity tags depend on the timestamps.
        assert ("ETag" in result["headers"]) is ("ETag" in response.headers)
        for name in ("Location", "Content-Range", "Link"):
            assert result["headers"].get(name) == response.headers.get(name), name
    assert tables(api) == alone
