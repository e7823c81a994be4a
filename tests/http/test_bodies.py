"""Request bodies: content codings within limits, media types, byte order marks (RFC 9110)."""

import gzip
import json
import zlib
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from encore import Context, Crud
from encore.execution.hooks import stop
from tests.fixtures.in_process import InProcessService
from tests.http.conftest import BODY_LIMIT, UPLOAD_LIMIT, Tool

JSON = b'{"name": "saw"}'
GZIP = gzip.compress(JSON, mtime=0)
BOM = b"\xef\xbb\xbf"


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def padded(size: int) -> bytes:
    """Return a tool as JSON of this many bytes."""
    return b'{"name": "saw"}'.ljust(size)


def send(
    tools: InProcessService, body: bytes, path: str = "/tools", method: str = "POST", **headers: str
) -> tuple[int, Any, Any]:
    """Send a body; return status, JSON and headers."""
    sent = {"Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    response = tools.request(method, path, content=body, headers=sent)
    return response.status_code, response.json(), response.headers


ENCODED: list[tuple[str, bytes]] = [
    ("gzip", GZIP),
    ("GZip", GZIP),
    ("x-gzip", GZIP),
    ("deflate", zlib.compress(JSON)),
    ("deflate", raw_deflate(JSON)),
    ("identity", JSON),
    ("", JSON),
    ("identity, gzip", GZIP),
    ("gzip", gzip.compress(JSON[:5], mtime=0) + gzip.compress(JSON[5:], mtime=0)),
    ("gzip", gzip.compress(BOM + JSON, mtime=0)),
    ("gzip", gzip.compress(padded(BODY_LIMIT), mtime=0)),
]


@pytest.mark.parametrize(("coding", "body"), ENCODED)
def test_encoded_body_is_decoded(tools: InProcessService, coding: str, body: bytes) -> None:
    status, row, _ = send(tools, body, Content_Encoding=coding)
    assert (status, row) == (201, {"id": 1, "name": "saw"})
    status, row, _ = send(tools, body, "/tools/1", "PUT", Content_Encoding=coding)
    assert (status, row) == (200, {"id": 1, "name": "saw"})
    status, report, _ = send(tools, body, "/tools/upload", Content_Encoding=coding)
    assert (status, report["id"]) == (200, 1)


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "gzip, br", "utf-8"])
def test_unsupported_content_coding_is_415_with_accept_encoding(
    tools: InProcessService, coding: str
) -> None:
    for path in ("/tools", "/tools/upload"):
        status, problem, headers = send(tools, GZIP, path, Content_Encoding=coding)
        assert status == 415, problem
        assert headers["accept-encoding"] == "gzip, deflate, identity"


BROKEN: list[tuple[str, bytes]] = [
    ("gzip", JSON),
    ("gzip", GZIP[:-4]),
    ("gzip", GZIP[:5]),
    ("gzip", GZIP + b"garbage"),
    ("gzip", GZIP[:-8] + b"\0" * 8),
    ("deflate", JSON),
    ("deflate", zlib.compress(JSON) + b"x"),
    ("deflate", zlib.compress(JSON)[:-2]),
    ("deflate", GZIP),
]


@pytest.mark.parametrize(("coding", "body"), BROKEN)
def test_corrupt_encoded_body_is_400(tools: InProcessService, coding: str, body: bytes) -> None:
    for path in ("/tools", "/tools/upload"):
        status, problem, _ = send(tools, body, path, Content_Encoding=coding)
        assert (status, problem["title"]) == (400, "Malformed body")
        assert coding in problem["detail"]


@pytest.mark.parametrize("path", ["/tools", "/tools/upload"])
def test_body_limit_applies_to_decoded_bytes(tools: InProcessService, path: str) -> None:
    limit = BODY_LIMIT if path == "/tools" else UPLOAD_LIMIT
    bomb = gzip.compress(b" " * (limit * 100), mtime=0)
    over = gzip.compress(padded(limit + 1), mtime=0)
    empty_blocks = b"\x78\x9c" + b"\x00\x00\x00\xff\xff" * (limit // 5) + b"\x03\x00"
    for coding, body in (("gzip", bomb), ("gzip", over), ("deflate", empty_blocks)):
        status, problem, _ = send(tools, body, path, Content_Encoding=coding)
        assert status == 413, problem
        assert str(limit) in problem["detail"]


def test_gzip_body_with_too_many_members_is_400(tools: InProcessService) -> None:
    bodies = gzip.compress(b"", mtime=0) * 1001 + GZIP
    status, problem, _ = send(tools, bodies, "/tools/upload", Content_Encoding="gzip")
    assert (status, problem["detail"]) == (400, "The body contains too many gzip streams")


def test_empty_body_with_a_content_coding_is_accepted(tools: InProcessService) -> None:
    status, row, _ = send(tools, b"", "/tools/1", "PATCH", Content_Encoding="gzip")
    assert status == 404, row


SUPPORTED = [
    "application/json; profile=x",
    "application/json; charset=UTF-8; version=2",
    'application/json;charset="utf-8"',
    'APPLICATION/JSON ; q="a;b,c" ; Charset=utf8',
    "application/json;",
    "application/json; charset=us-ascii",
    "application/json; odata.metadata=minimal",
    "application/json; =; x",
]
UNSUPPORTED = [
    "application/json; charset=utf-16",
    "application/json; charset=latin1; profile=x",
    'application/json; x="; charset=utf-8"; charset=utf-16',
    "application/json, text/plain",
    "text/json",
    "application/vnd.api+json",
    "json",
    "application/",
    "application/json/x",
    "",
]


@pytest.mark.parametrize("path", ["/tools", "/tools/upload"])
def test_media_type_parameters_are_ignored_except_charset(
    tools: InProcessService, path: str
) -> None:
    for media_type in SUPPORTED:
        status, row, _ = send(tools, JSON, path, Content_Type=media_type)
        assert status in (200, 201, 409), (media_type, row)
    for media_type in UNSUPPORTED:
        status, problem, headers = send(tools, JSON, path, Content_Type=media_type)
        assert status == 415, (media_type, problem)
        assert "application/json" in headers["accept"]


def test_two_different_content_types_are_400(tools: InProcessService) -> None:
    def sent(*media_types: str) -> int:
        headers = [("Content-Type", media_type) for media_type in media_types]
        return tools.request("POST", "/tools", content=JSON, headers=headers).status_code

    assert sent("application/json", "text/plain") == 400
    assert sent("application/json", "application/json") == 201


def test_one_byte_order_mark_is_ignored(tools: InProcessService) -> None:
    status, row, _ = send(tools, BOM + JSON)
    assert (status, row["name"]) == (201, "saw")
    bodies = [("application/json", json.dumps([{"name": "axe"}]).encode())]
    bodies.append(("application/json", b'{"name": "awl"}'))
    bodies.append(("application/x-ndjson", b'{"name": "bit"}\n{"name": "jig"}'))
    bodies.append(("text/csv", b"name\nvice"))
    for media_type, body in bodies:
        status, report, _ = send(tools, BOM + body, "/tools/upload", Content_Type=media_type)
        assert status in (200, 201), report
        assert report.get("created", 1) >= 1
    status, problem, _ = send(tools, BOM + BOM + JSON)
    assert (status, problem["title"]) == (400, "Malformed body")
    rows = b'{"name": "a"}\n' + BOM + b'{"name": "b"}'
    _, report, _ = send(
        tools, rows, "/tools/upload?mode=partial", Content_Type="application/x-ndjson"
    )
    assert (report["created"], report["rejected"]) == (1, 1)


ACCEPTED = [
    "*/*",
    "application/json",
    "application/*",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
    "application/json;q=0.1, text/html",
    "application/json; charset=utf-8; profile=x",
    "APPLICATION/JSON",
    "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
    "nonsense",
    "",
    "application/json;q=x",
]
NOT_ACCEPTABLE = [
    "text/html",
    "text/*",
    "application/xml, text/plain;q=0.5",
    "application/json;q=0",
    "application/json;q=0, */*",
    "application/*;q=0.0, */*;q=1",
    "*/*;q=0",
    "application/vnd.api+json",
]


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/tools"), ("GET", "/tools"), ("GET", "/tools/1"), ("POST", "/tools/upload")],
)
def test_accept_without_json_is_406_and_writes_nothing(
    tools: InProcessService, method: str, path: str
) -> None:
    body: dict[str, Any] = {"content": JSON} if method == "POST" else {}
    for accept in NOT_ACCEPTABLE:
        response = tools.request(method, path, headers={"Accept": accept}, **body)
        assert response.status_code == 406, (accept, response.text)
        assert "application/json" in response.json()["detail"]
    assert tools.request("GET", "/tools").json() == []
    for accept in ACCEPTED:
        response = tools.request(method, path, headers={"Accept": accept}, **body)
        assert response.status_code != 406, (accept, response.text)
    both = [("Accept", "text/html"), ("Accept", "application/json")]
    assert tools.request(method, path, headers=both, **body).status_code != 406


def test_accept_is_not_checked_for_responses_of_send_hooks(tools: InProcessService) -> None:
    named = Crud(tools.app, tools.database, base="/v2").resource(Tool)

    @named.list.send.before
    def as_text(_: Context) -> Any:
        return stop(PlainTextResponse("saw"))

    response = tools.request("GET", "/v2/tools", headers={"Accept": "text/plain"})
    assert (response.status_code, response.text) == (200, "saw")
