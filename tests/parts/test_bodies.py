"""Invalid bodies: rejected with the right error type, nothing is written."""

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.parts.conftest import create, total

LIMIT = 1024 * 1024

MALFORMED: dict[str, tuple[bytes, str]] = {
    "cut off": (b'{"name": "a"', "is not JSON"),
    "blank": (b" ", "is not JSON"),
    "words": (b"hello", "is not JSON"),
    "single quotes": (b"{'name': 'a'}", "is not JSON"),
    "comma at the end": (b'{"name": "a",}', "is not JSON"),
    "two values": (b"{} {}", "is not JSON"),
    "comment": (b'{"name": "a"} // b', "is not JSON"),
    "control character": (b'{"name": "a\nb"}', "is not JSON"),
    "NaN": (b'{"name": NaN}', "NaN is not a JSON number"),
    "Infinity": (b'{"name": Infinity}', "Infinity is not a JSON number"),
    "minus Infinity": (b'{"unknown": [-Infinity]}', "-Infinity is not a JSON number"),
    "leading zero": (b'{"name": 01}', "is not JSON"),
    "hexadecimal": (b'{"name": 0x1}', "is not JSON"),
    "name twice": (b'{"name": "a", "name": "b"}', "is given twice"),
    "name twice, escaped": (rb'{"name": "a", "n\u0061me": "b"}', "is given twice"),
    "name twice, below": (b'{"unknown": {"a": 1, "a": 2}}', "is given twice"),
    "surrogate name": (rb'{"\ud800": 1}', "is not valid Unicode"),
    "surrogate name twice": (rb'{"\ud800": 1, "\ud800": 2}', "is given twice"),
    "invalid UTF-8": (b'{"name": "\xff"}', "is not UTF-8"),
    "surrogate in UTF-8": (b'{"name": "\xed\xa0\x80"}', "is not UTF-8"),
    "overlong UTF-8": (b'{"name": "\xc0\xaf"}', "is not UTF-8"),
    "UTF-16": ('{"name": "a"}'.encode("utf-16"), "is not"),
    "1,000 deep": (b'{"name": ' + b"[" * 1000 + b"]" * 1000 + b"}", "nested too deeply"),
    "100,000 deep": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    "100,000 open": (b"[" * 100_000, "nested too deeply"),
    "5,000 digits": (b'{"name": ' + b"9" * 5000 + b"}", "too many digits"),
    "5,000 digits, unknown": (b'{"unknown": ' + b"9" * 5000 + b"}", "too many digits"),
    "array": (b'[{"name": "a"}]', "must be a JSON object"),
    "empty array": (b"[]", "must be a JSON object"),
    "number": (b"1", "must be a JSON object"),
    "string": (b'"name"', "must be a JSON object"),
    "null": (b"null", "must be a JSON object"),
    "true": (b"true", "must be a JSON object"),
}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize(("content", "message"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_body_is_rejected_and_nothing_is_written(
    parts: httpx.Client, method: str, content: bytes, message: str
) -> None:
    if method == "POST" and content in (b'[{"name": "a"}]', b"[]"):
        pytest.skip("an array creates many rows")
    row = create(parts, name="as it was")
    path = "/parts" if method == "POST" else f"/parts/{row['id']}"
    headers = {"Content-Type": "application/json"}
    response = parts.request(method, path, content=content, headers=headers)
    body = assert_problem(response, 400, "malformed-body")
    assert message in body["message"]
    assert parts.get("/parts").json() == [row]


def test_duplicate_member_is_named(parts: httpx.Client) -> None:
    response = parts.post("/parts", content=b'{"name": "a", "id": 1, "id": 2}')
    body = assert_problem(response, 400, "malformed-body")
    assert body["errors"] == [{"field": "id", "message": "id is given twice"}]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/jsonx",
        "json",
        "",
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_unsupported_media_type_is_rejected(
    parts: httpx.Client, method: str, content_type: str
) -> None:
    row = create(parts, name="as it was")
    path = "/parts" if method == "POST" else f"/parts/{row['id']}"
    response = parts.request(
        method, path, content=b'{"name": "b"}', headers={"Content-Type": content_type}
    )
    assert_problem(response, 415, "unsupported-media-type")
    assert parts.get("/parts").json() == [row]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/merge-patch+json",
        None,
    ],
)
def test_media_types_of_json_are_accepted(parts: httpx.Client, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = parts.post("/parts", content=b'{"name": "b"}', headers=headers)
    assert response.status_code == 201


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_body_longer_than_the_limit_is_rejected(
    parts: httpx.Client,
    chunked: bool,  # noqa: FBT001 - a row of the table
) -> None:
    frame = b'{"description":""}'
    longest = frame[:-2] + b"a" * (LIMIT - len(frame)) + frame[-2:]
    assert len(longest) == LIMIT
    for content, status in ((longest, 201), (longest[:-2] + b'a"}', 413)):
        sent = iter([content]) if chunked else content
        response = parts.post("/parts", content=sent)
        assert response.status_code == status
        if status == 413:
            assert_problem(response, 413, "payload-too-large")
    assert total(parts) == 1


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_body_of_an_action_without_body_is_ignored(parts: httpx.Client, method: str) -> None:
    row = create(parts)
    path = f"/parts/{row['id']}"
    response = parts.request(method, path, content=b"not JSON " * 10_000)
    assert response.status_code == 200
    assert total(parts) == (1 if method == "GET" else 0)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("DELETE", "/parts/2147483647", 404), ("POST", "/nowhere", 404), ("PUT", "/parts", 405)],
)
def test_response_to_unread_body_closes_the_connection(
    parts: httpx.Client, method: str, path: str, status: int
) -> None:
    content = b" " * 100_000
    for _ in range(5):
        response = parts.request(method, path, content=content)
        assert (response.status_code, response.headers["connection"]) == (status, "close")


def test_response_to_read_body_keeps_the_connection(parts: httpx.Client) -> None:
    response = parts.post("/parts", json={"description": "a" * 100_000})
    assert "connection" not in response.headers
