"""HTTP/1.1 connections that tests control: when they open, and that they may be cut.

Light, since a proof sends a hundred thousand requests; and strict: a response that is cut off is
``Disconnected``, never a shorter response.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

HOST: Final = "127.0.0.1"
_TIMEOUT_S: Final = 60.0
_BODYLESS: Final = {204, 304}
_OF_ONE_TRANSMISSION: Final = {"date", "x-request-id", "idempotency-replayed", "connection"}
"""Headers that a replayed response need not repeat."""


class Disconnected(Exception):
    """The connection ended before the response was complete."""


@dataclass(frozen=True)
class Response:
    """A complete response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)

    @property
    def etag(self) -> str:
        """The entity tag."""
        return self.headers["etag"]

    @property
    def is_replay(self) -> bool:
        """Whether the response is a stored one."""
        return self.headers.get("idempotency-replayed") == "true"

    @property
    def stored(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """What a replay must repeat."""
        kept = [item for item in self.headers.items() if item[0] not in _OF_ONE_TRANSMISSION]
        return self.status, sorted(kept), self.body


class HTTPConnection:
    """A persistent connection, opened by the first request and again after it was closed.

    Args:
        port: The port on loopback.
        token: The bearer token of all its requests.
    """

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self._token = token
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request, its body as JSON; return the response.

        Raises:
            Disconnected: The connection could not be opened, or ended before the response did.
        """
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await self._request(method, path, body, headers or {})
        except (OSError, EOFError) as error:
            self.close()
            raise Disconnected(repr(error)) from error
        except BaseException:
            self.close()
            raise

    async def _request(
        self, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> Response:
        if self._streams is None:
            self._streams = await asyncio.open_connection(HOST, self.port)
        reader, writer = self._streams
        writer.write(self._encode(method, path, body, headers))
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = (line.partition(":") for line in head[1:] if line)
        received = {name.lower(): value.strip() for name, _, value in fields}
        status = int(head[0].split(" ")[1])
        length = int(received.get("content-length", "0"))
        content = b""
        if method != "HEAD" and status not in _BODYLESS:
            assert "transfer-encoding" not in received, received
            content = await reader.readexactly(length)
        if received.get("connection", "").lower() == "close":
            self.close()
        return Response(status, received, content)

    def _encode(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> bytes:
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {HOST}:{self.port}",
            f"Authorization: Bearer {self._token}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        content = b""
        if body is not None:
            content = json.dumps(body).encode()
            lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        return "\r\n".join((*lines, "", "")).encode() + content

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._streams is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._streams[1].close()
            self._streams = None
