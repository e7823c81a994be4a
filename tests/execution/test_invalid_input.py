"""Bad input and broken constraints on a richer model: each a 4xx that names the field."""

from typing import Any

import pytest

from tests.fixtures.library import Api, assert_field_errors
from tests.fixtures.library_models import (
    Book,
    Copy,
    Kind,
    Loan,
    Node,
    Profile,
    Seat,
    Shelf,
    Tag,
    Ticket,
    User,
)

DEEP: Any = []
for _ in range(100):
    DEEP = [DEEP]

WRONG: list[tuple[str, Any]] = [
    ("whole", 2**63),
    ("whole", 10**400),
    ("whole", 1.5),
    ("whole", True),
    ("whole", "1"),
    ("big", 2**63),
    ("big", -(2**63) - 1),
    ("real", "x"),
    ("real", 10**400),
    ("real", False),
    ("amount", "1.234"),
    ("amount", "123456789"),
    ("amount", "1e999"),
    ("amount", "NaN"),
    ("amount", []),
    ("flag", "true"),
    ("flag", 1),
    ("day", "10000-01-01"),
    ("day", "2021-02-29"),
    ("day", 5),
    ("clock", "24:61:00"),
    ("clock", "01:00:00+02:00"),
    ("naive", "10000-01-01T00:00:00Z"),
    ("aware", "9999-12-31T23:59:59-01:00"),
    ("moment", "yesterday"),
    ("moment", 0),
    ("colour", "blue"),
    ("colour", 1),
    ("letter", "red"),
    ("uid", "x"),
    ("uid", 1),
    ("uidText", "00000000-0000-0000-0000"),
    ("document", DEEP),
    ("document", {"a": 2**64}),
    ("document", {"a": "\x00"}),
    ("document", {"\x00": 1}),
    ("blob", "AQI"),
    ("blob", "ä"),
    ("blob", {}),
    ("blob", "AAAAAAAAAAAAAAAA"),
    ("text", "\x00"),
    ("text", {}),
    ("text", []),
    ("text", False),
    ("short", "123456"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_invalid_value_in_create_and_update_names_field(api: Api, name: str, value: Any) -> None:
    api.crud.resource(Kind)
    api.create("/kinds", text="there")
    before = api.rows(Kind)
    assert_field_errors(api.post("/kinds", {name: value}), 400, name)
    assert_field_errors(api.put("/kinds/1", {"text": "changed", name: value}), 400, name)
    assert api.rows(Kind) == before


RAW = [
    (b'{"text": "\\ud800"}', "text"),
    (b'{"document": {"a": "\\ud800"}}', "document"),
    (b'{"document": 1e400}', "document"),
    (b'{"real": 1e400}', "real"),
    (b'{"real": NaN}', None),
    (b'{"document": [Infinity]}', None),
    (b'{"text": "a", "text": "b"}', "text"),
    (b'{"document": ' + b"[" * 100_000, None),
    (b'{"text": "a"', None),
    (b'{"text": "\xff"}', None),
    (b"7", None),
]


@pytest.mark.parametrize(("body", "field"), RAW, ids=range(len(RAW)))
def test_body_not_a_json_object_is_rejected(api: Api, body: bytes, field: str | None) -> None:
    api.crud.resource(Kind)
    headers = {"content-type": "application/json"}
    answer = api.request("POST", "/kinds", content=body, headers=headers)
    assert_field_errors(answer, 400, *([] if field is None else [field]))
    assert api.rows(Kind) == []


@pytest.fixture
def library(api: Api) -> Api:
    for model in (User, Book, Profile, Tag, Node, Seat, Ticket, Loan):
        api.crud.resource(model)
    api.create("/users", firstName="Ada", email="a@x")
    api.create("/users", firstName="Bob", email="b@x")
    api.create("/books", title="A", authorId=1)
    api.create("/nodes", name="root")
    api.create("/nodes", name="leaf", parentId=1)
    api.create("/seats", line="A", number=1)
    api.create("/tickets", seatLine="A", seatNumber=1)
    return api


BROKEN: list[tuple[str, str, Any, int, list[str]]] = [
    ("POST", "/users", {"firstName": "C", "email": "a@x"}, 409, ["email"]),
    ("PUT", "/users/2", {"email": "a@x"}, 409, ["email"]),
    ("POST", "/users", {"firstName": "C", "id": 1}, 409, ["id"]),
    ("POST", "/books", {"title": "B", "authorId": 99}, 409, ["authorId"]),
    ("PUT", "/books/1", {"authorId": 99}, 409, ["authorId"]),
    ("POST", "/tickets", {"seatLine": "A", "seatNumber": 9}, 409, ["seatLine", "seatNumber"]),
    ("POST", "/seats", {"line": "A", "number": 1}, 409, ["line", "number"]),
    ("POST", "/users", {"firstName": "C", "age": -1}, 400, ["age"]),
    ("PUT", "/users/1", {"age": -1}, 400, ["age"]),
    ("POST", "/books", {"title": "B", "pages": 0}, 400, ["pages"]),
    ("POST", "/users", {"firstName": None}, 400, ["firstName"]),
    ("PUT", "/users/1", {"firstName": None}, 400, ["firstName"]),
    ("POST", "/users", {"firstName": "C", "rank": None}, 400, ["rank"]),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "fields"), BROKEN)
def test_violated_constraint_names_fields_and_writes_nothing(  # noqa: PLR0917
    library: Api, method: str, path: str, body: Any, status: int, fields: list[str]
) -> None:
    tables = (User, Book, Node, Seat, Ticket)
    before = [library.rows(model) for model in tables]
    assert_field_errors(library.request(method, path, json=body), status, *fields)
    assert [library.rows(model) for model in tables] == before


def test_delete_of_row_with_required_references_is_a_conflict(api: Api) -> None:
    api.crud.resource(User)
    api.crud.resource(Loan)
    api.create("/users", firstName="A")
    api.create("/loans", user_id=1, number=1)
    assert_field_errors(api.delete("/users/1"), 409)
    assert len(api.rows(Loan)) == 1


def test_delete_of_row_sets_references_to_null(api: Api) -> None:
    api.crud.resource(Seat)
    api.crud.resource(Ticket)
    api.create("/seats", line="A", number=1)
    api.create("/tickets", seatLine="A", seatNumber=1)
    assert api.delete("/seats/A/1").status_code == 200
    assert api.read("/tickets/1") == {"id": 1, "seatLine": None, "seatNumber": None}


def test_conflict_of_row_found_by_other_column_names_referring_columns(api: Api) -> None:
    api.crud.resource(Shelf, endpoints=("/shelves", "/shelves/{code}"))
    api.crud.resource(Copy)
    api.create("/shelves", code="a/1")
    api.create("/copies", shelfId=1)
    assert_field_errors(api.delete("/shelves/a%2F1"), 409, "copies.shelfId")
