"""Clients that repeat each request with its idempotency key until they get the response.

Each request is of a kind that shows in the rows when it is carried out twice: it creates a row
of a value that may be repeated, adds one to a total, or has a precondition that its own success
makes stale.
"""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from tests.proofs.http_connection import Disconnected, HTTPConnection, Response

_TRIES: Final = 400
_PAUSE_S: Final = 0.1
_BUSY: Final = {409, 425, 429, 503}
"""Statuses that a client may be told to repeat; with ``Retry-After`` only."""


@dataclass
class RetryingClient:
    """One client with a request at a time.

    Attributes:
        port: The port of the proxy.
        token: Its bearer token.
        number: Distinguishes its rows from those of others.
        created: How many rows it knows it has created.
        total: What the total of its counter must be.
        tries: How often it has sent a request.
        lost: How many requests were carried out although their first response was lost.
        responses: Its responses by key, with the request, for replays in the end.
    """

    port: int
    token: str
    number: int
    random: random.Random
    created: int = 0
    total: int = 0
    tries: int = 0
    lost: int = 0
    responses: list[tuple[str, str, Any, dict[str, str], Response]] = field(default_factory=list)
    _etag: str = ""
    _counter: str = ""

    @property
    def name(self) -> str:
        """The name that all its rows share."""
        return f"retrying {self.number}"

    async def open(self) -> None:
        """Create its counter."""
        body = {"value": f"{self.name} {uuid4().hex}"}
        response = await self.send("POST", "/counters", body)
        assert response.status == 201, response
        self._counter = f"/counters/{response.json()['id']}"

    async def work(self) -> None:
        """Send one request of a random kind until it is answered, and check the response."""
        kind = self.random.choice(
            (
                self._create,
                self._create_in_batch,
                self._create_in_bulk,
                self._increment,
                self._change,
            )
        )
        await kind()

    async def _create(self) -> None:
        response = await self.send("POST", "/events", {"source": self.name})
        assert response.status == 201, response
        self.created += 1

    async def _create_in_batch(self) -> None:
        """Create some rows by one batch: all of them or none."""
        operations = [{"method": "POST", "path": "/events", "body": {"source": self.name}}] * 3
        response = await self.send("POST", "/batch", {"operations": operations})
        assert response.status == 200, response
        self.created += len(operations)

    async def _create_in_bulk(self) -> None:
        """Create some rows by one request."""
        response = await self.send("POST", "/events", [{"source": self.name}] * 3)
        assert response.status in {200, 201}, response
        self.created += 3

    async def _increment(self) -> None:
        response = await self.send("POST", f"{self._counter}/increment", {})
        assert response.status == 200, response
        self.total += 1
        assert response.json()["total"] == self.total, response
        self._etag = ""

    async def _change(self) -> None:
        etag = self._etag or (await self.send("GET", self._counter)).etag
        body = {"value": f"{self.name} {uuid4().hex}"}
        response = await self.send("PATCH", self._counter, body, **{"If-Match": etag})
        assert response.status == 200, (etag, response)
        assert response.json()["value"] == body["value"], response
        self._etag = response.etag

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """Send a request, with one key for all its tries, until a response arrives."""
        if method != "GET":
            headers["Idempotency-Key"] = f'"{uuid4()}"'
        response = await self._send(method, path, body, headers)
        if method != "GET":
            self.lost += response.is_replay
            self.responses.append((method, path, body, headers, response))
        return response

    async def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Response:
        for _ in range(_TRIES):
            connection = HTTPConnection(self.port, self.token)
            self.tries += 1
            try:
                response = await connection.request(method, path, body, headers)
            except Disconnected:
                await asyncio.sleep(_PAUSE_S * self.random.random())
                continue
            finally:
                connection.close()
            if response.status in _BUSY and "retry-after" in response.headers:
                await asyncio.sleep(_PAUSE_S)
                continue
            return response
        raise AssertionError(f"{method} {path}: no response after {_TRIES} tries")

    async def check_replays(self) -> None:
        """Send every request once more: each gets the bytes of its first response."""
        for method, path, body, headers, first in self.responses:
            again = await self._send(method, path, body, headers)
            assert again.stored == first.stored, (method, path, body, first, again)
            assert again.is_replay, again
