"""Values of columns: valid ones, conversions, and Finale's messages for invalid ones."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from db.models.part import Part
from encore.database.engine import with_connection
from tests.fixtures.problems import assert_problem
from tests.fixtures.system import System
from tests.parts.conftest import create, total

STRING_FIELDS = ["partNumber", "modelNumber", "name", "description"]
NOT_A_STRING = "cannot be an array or an object"

ACCEPTED: list[tuple[str, str]] = [
    # JSON value, stored string
    ("1", "1"),
    ("1.5", "1.5"),
    ("1.0", "1"),
    ("-0.0", "0"),
    ("-7", "-7"),
    ("12345678901234567890", "12345678901234567890"),
    ('""', ""),
    ('"null"', "null"),
    ('"  blanks stay  "', "  blanks stay  "),
    (r'"\u00e9\ud83d\ude00\u4e2d"', "é😀中"),
    (r'"line\nbreak\ttab\u0001"', "line\nbreak\ttab\x01"),
    (r'"quote\" \\ / <script>&amp;"', 'quote" \\ / <script>&amp;'),
    ('"\'; DROP TABLE parts; --"', "'; DROP TABLE parts; --"),
]

REJECTED: list[tuple[str, str, str]] = [
    # JSON value, Finale's violation type, message
    ("{}", "string violation", NOT_A_STRING),
    ('{"$gt": ""}', "string violation", NOT_A_STRING),
    ("[]", "string violation", NOT_A_STRING),
    ('["a"]', "string violation", NOT_A_STRING),
    ("true", "string violation", "must be a string"),
    ("false", "string violation", "must be a string"),
    (r'"a\u0000b"', "Validation error", "must not contain a NUL character"),
    (
        r'"\ud800"',
        "Validation error",
        "must be valid Unicode, without lone surrogates",
    ),
    ("1e400", "Validation error", "must be a finite number"),
]


@pytest.mark.parametrize(("json", "stored"), ACCEPTED)
def test_string_column_stores_numbers_in_javascript_format(
    parts: httpx.Client, json: str, stored: str
) -> None:
    content = f'{{"name": {json}, "description": {json}}}'.encode()
    created = parts.post("/parts", content=content)
    assert created.status_code == 201, created.text
    row = created.json()
    assert (row["name"], row["description"]) == (stored, stored)
    updated = parts.put(f"/parts/{row['id']}", content=content)
    assert (updated.json()["name"], updated.json()["description"]) == (stored, stored)
    assert parts.get(f"/parts/{row['id']}").json() == updated.json()


@pytest.mark.parametrize(
    ("json", "stored"),
    [
        ("1e-7", "1e-7"),
        ("0.00001", "0.00001"),
        ("1e20", "100000000000000000000"),
    ],
)
def test_exponents_are_stored_in_javascript_format(
    parts: httpx.Client, json: str, stored: str
) -> None:
    response = parts.post("/parts", content=f'{{"name": {json}}}'.encode())
    assert response.json()["name"] == stored


@pytest.mark.parametrize("field", ["name", "description"])
@pytest.mark.parametrize(("json", "type_", "message"), REJECTED)
def test_invalid_string_is_rejected_with_its_field(
    parts: httpx.Client, field: str, json: str, type_: str, message: str
) -> None:
    row = create(parts, name="as it was", description="as it was")
    content = f'{{"{field}": {json}}}'.encode()
    for method, path in (("POST", "/parts"), ("PUT", f"/parts/{row['id']}")):
        body = assert_problem(
            parts.request(method, path, content=content),
            400,
            "validation-failed",
            f"{type_}: {field} {message}",
        )
        assert body["errors"] == [{"field": field, "message": f"{field} {message}"}]
    assert parts.get("/parts").json() == [row]


def test_every_invalid_field_is_named(parts: httpx.Client) -> None:
    values: dict[str, Any] = {name: {} for name in STRING_FIELDS}
    body = assert_problem(
        parts.post("/parts", json={"id": "one", **values}), 400, "validation-failed"
    )
    assert [error["field"] for error in body["errors"]] == ["id", *STRING_FIELDS]
    assert body["message"].count(",\n") == 4
    assert total(parts) == 0


@pytest.mark.parametrize("letter", ["a", "é", "😀"])
def test_string_longer_than_255_characters_is_rejected(parts: httpx.Client, letter: str) -> None:
    row = create(parts, name=letter * 255)
    assert row["name"] == letter * 255
    for method, path in (("POST", "/parts"), ("PATCH", f"/parts/{row['id']}")):
        response = parts.request(method, path, json={"name": letter * 256})
        body = assert_problem(response, 400, "validation-failed")
        assert body["errors"][0]["field"] == "name"
        assert "at most 255 characters" in body["errors"][0]["message"]
    assert parts.get("/parts").json() == [row]


def test_description_of_a_megabyte_is_stored(parts: httpx.Client) -> None:
    description = "long " * 200_000
    row = create(parts, description=description)
    assert parts.get(f"/parts/{row['id']}").json()["description"] == description


@pytest.mark.parametrize(
    ("json", "words", "shown"),
    [
        ('"one"', "an integer", '"one"'),
        ('"\\u00e9\\n\\ud800"', "an integer", r'"é\n\ud800"'),
        (f'"{"x" * 41}"', "an integer", f'"{"x" * 40}…"'),
        ("1.5", "an integer", "1.5"),
        ("true", "an integer", "true"),
        ("{}", "an integer", "an object"),
        ("[1]", "an integer", "an array"),
        ("9223372036854775808", "between", "9223372036854775808"),
        ("-9223372036854775809", "between", "-9223372036854775809"),
        ("1" + "0" * 400, "between", f"1{'0' * 39}…"),
    ],
)
def test_invalid_id_is_rejected_and_repeated(
    parts: httpx.Client, json: str, words: str, shown: str
) -> None:
    response = parts.post("/parts", content=f'{{"id": {json}}}'.encode())
    body = assert_problem(response, 400, "validation-failed")
    assert body["errors"][0]["field"] == "id"
    message = body["errors"][0]["message"]
    assert message.startswith(f"id must be {words}")
    assert message.endswith(f", not {shown}")
    assert total(parts) == 0


def test_id_null_creates_a_new_id(parts: httpx.Client) -> None:
    assert isinstance(create(parts, id=None)["id"], int)


@pytest.fixture
def numbering(system: System) -> Iterator[None]:
    """Restore SQLite's highest assigned id."""
    highest: list[int] = []

    def remember(connection: sa.Connection) -> None:
        highest.append(connection.scalar(sa.text("SELECT seq FROM sqlite_sequence")) or 0)

    def restore(connection: sa.Connection) -> None:
        connection.execute(sa.delete(Part))
        connection.execute(sa.text(f"UPDATE sqlite_sequence SET seq = {highest[0]}"))
        connection.commit()

    if not system.database_url.startswith("sqlite"):
        yield
        return
    create(system.client)  # Ensures that a highest id exists.
    with_connection(system.database_url, remember)
    yield
    with_connection(system.database_url, restore)


@pytest.mark.usefixtures("numbering")
@pytest.mark.parametrize("highest", [2**31 - 1, 2**53 - 1, 2**63 - 1])
def test_maximum_id_does_not_prevent_further_ids(parts: httpx.Client, highest: int) -> None:
    response = parts.post("/parts", json={"id": highest})
    if response.status_code != 201:
        assert_problem(response, 400, "validation-failed")
    create(parts, name="the next")
