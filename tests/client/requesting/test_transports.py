"""Broken and unusual responses, over both ways of a request: http.client and httpx."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WAYS = pytest.mark.parametrize("path", ["/p", "/p?a=|"], ids=["http.client", "httpx"])
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"


@WAYS
@pytest.mark.parametrize(
    "response",
    [
        HINTS + HINTS + HEAD + b"Content-Length: 3\r\n\r\n[1]",
        b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: 3\r\n\r\n[1]",
        HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\n[1]",
        HEAD + b"Content-Encoding: Identity\r\nContent-Length: 3\r\n\r\n[1]",
        HEAD + b"Transfer-Encoding: Chunked\r\n\r\n3\r\n[1]\r\n0\r\n\r\n",
        b"HTTP/1.0 200\r\nContent-Type: application/json\r\n\r\n[1]",
    ],
)
def test_unusual_response_is_printed(
    run: Any, raw_server: Callable[..., str], path: str, response: bytes
) -> None:
    result = run(raw_server(response) + path)
    assert (result.code, result.json, result.err) == (0, [1], "")


@WAYS
@pytest.mark.parametrize(
    "response",
    [
        HINTS,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n",
        HEAD + b"Content-Length: 3\r\nContent-Length: 9\r\n\r\n[1]",
        HEAD + b"Content-Length: three\r\n\r\n[1]",
        HEAD + b"Content-Length: -1\r\n\r\n[1]",
        HEAD + b"Content-Length: 9\r\n\r\n[1]",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n3\r\n[1]\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n",
    ],
)
def test_response_that_is_not_complete_or_not_clear_is_an_error(
    run: Any, raw_server: Callable[..., str], path: str, response: bytes
) -> None:
    result = run(raw_server(response) + path)
    assert (result.code, result.out) == (5, "")


@WAYS
def test_response_before_the_whole_body_is_sent_is_printed(
    run: Any, raw_server: Callable[..., str], tmp_path: Path, path: str
) -> None:
    body = tmp_path / "rows.csv"
    body.write_bytes(b"a\n" * 10_000_000)
    early = b'HTTP/1.1 413 Content Too Large\r\nContent-Length: 17\r\n\r\n{"title":"large"}'
    result = run(raw_server(early) + path, "post", f"@{body}")
    assert (result.code, result.err) == (7, "413 large\n")


@WAYS
@pytest.mark.parametrize("closing", [b"", b"Connection: close\r\n"])
def test_next_page_is_read_although_the_server_has_closed_the_connection(
    run: Any, raw_server: Callable[..., str], path: str, closing: bytes
) -> None:
    first = HEAD + closing + b"Link: </p?cursor=2>; rel=next\r\nContent-Length: 3\r\n\r\n[1]"
    url = raw_server(first, HEAD + b"Content-Length: 3\r\n\r\n[2]")
    result = run(url + path, "--all")
    assert (result.code, result.json, result.err) == (0, [1, 2], "")
