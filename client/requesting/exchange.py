"""The exchange as people read it: requests and responses, with secrets hidden."""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from client.requesting.masking import mask_headers, mask_text
from client.requesting.messages import Header, Request, Response

MAX_SHOWN_BYTES: Final = 65_536
"""Of a body; the rest is counted."""


def describe_request(request: Request, prefix: str = "", secrets: Sequence[str] = ()) -> str:
    """Return a request as it is sent: request line, headers, body.

    Args:
        request: The request.
        prefix: Begins each line of the head.
        secrets: Texts to hide, besides what looks like a secret.
    """
    parts = urlsplit(request.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers: list[Header] = [("Host", parts.netloc), *request.headers]
    if isinstance(request.body, bytes):
        headers.append(("Content-Length", str(len(request.body))))
    head = [f"{request.method} {mask_text(target, secrets)} HTTP/1.1", *_lines(headers)]
    lines = [f"{prefix}{line}" for line in head]
    if request.body is not None:
        lines += ["", *describe_body(_beginning(request.body), secrets)]
    return "\n".join(lines)


def describe_response(response: Response, prefix: str = "") -> str:
    """Return the head of a response."""
    line = f"HTTP/1.1 {response.status_code} {response.reason_phrase}".rstrip()
    return "\n".join(f"{prefix}{line}" for line in [line, *_lines(response.headers.pairs)])


def describe_body(content: bytes, secrets: Sequence[str] = ()) -> list[str]:
    """Return the lines of a body: its text with secrets hidden, or its length if it is binary."""
    try:
        text = content[:MAX_SHOWN_BYTES].decode(
            "utf-8", "strict" if b"\0" in content else "replace"
        )
    except UnicodeDecodeError:
        return [f"({len(content)} bytes)"]
    if "\0" in text:
        return [f"({len(content)} bytes)"]
    more = "..." if len(content) > MAX_SHOWN_BYTES else ""
    return [mask_text(text, secrets) + more]


def _beginning(body: Any) -> bytes:
    """Return a body, or the beginning of one that is not in memory."""
    if isinstance(body, bytes):
        return body
    chunks: Iterator[bytes] = iter(body)
    content = b""
    while len(content) <= MAX_SHOWN_BYTES and (chunk := next(chunks, b"")):
        content += chunk
    return content


def _lines(headers: Sequence[Header]) -> list[str]:
    return [f"{name}: {value}" for name, value in mask_headers(headers)]
