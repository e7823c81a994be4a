"""Callers of a soak test: writers that record acknowledged rows, readers, hostile clients."""

import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from tests.fixtures.system import System

_UNAVAILABLE: Final = 503
_SERVER_ERROR: Final = 500
_MOST_ROWS: Final = 300
_TIMEOUT_S: Final = 30.0


@dataclass
class WrittenRows:
    """The acknowledged rows of one writer.

    Attributes:
        rows: The name of each row by id, as last acknowledged.
        deleted: The ids of rows whose deletion was acknowledged.
        uncertain: The ids of rows whose last response never arrived.
    """

    rows: dict[int, str] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    uncertain: set[int] = field(default_factory=set)


@dataclass
class Soak:
    """Runs callers in threads for some time.

    Attributes:
        unexpected: Descriptions of responses that must not occur.
        responses: The number of responses.
    """

    system: System
    seconds: float
    written_rows: list[WrittenRows] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    responses: int = 0

    def run(self, writers: int, readers: int, hostile: int) -> None:
        """Run the callers until the time is over. Raise the first exception of a caller."""
        self._end = time.monotonic() + self.seconds
        jobs: list[Callable[[int], None]] = [self._write] * writers
        jobs += [self._read] * readers + [self._misbehave] * hostile
        errors: list[BaseException] = []

        def work(job: Callable[[int], None], seed: int) -> None:
            try:
                job(seed)
            except BaseException as error:  # noqa: BLE001 - any exception fails the test
                errors.append(error)

        threads = [threading.Thread(target=work, args=(job, seed)) for seed, job in enumerate(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for error in errors:
            raise error

    def _is_running(self) -> bool:
        return time.monotonic() < self._end

    def _client(self) -> httpx.Client:
        headers = self.system.client.headers
        return httpx.Client(base_url=self.system.url, headers=headers, timeout=_TIMEOUT_S)

    def _request(
        self, client: httpx.Client, method: str, path: str, **options: Any
    ) -> httpx.Response:
        response = client.request(method, path, **options)
        self.responses += 1
        is_busy = response.status_code == _UNAVAILABLE and "retry-after" in response.headers
        if response.status_code >= _SERVER_ERROR and not is_busy:
            self.unexpected.append(f"{method} {path}: {response.status_code} {response.text[:200]}")
        return response

    def _write(self, seed: int) -> None:
        """Create, change and delete rows, and record what is acknowledged."""
        rng, written = random.Random(seed), WrittenRows()
        self.written_rows.append(written)
        with self._client() as client:
            number = 0
            while self._is_running():
                number += 1
                name = f"{seed}: {number}"
                ids = [id_ for id_ in written.rows if id_ not in written.uncertain]
                action = rng.choice(("create", "change", "change", "delete", "invalid"))
                if not ids or (action == "create" and len(ids) < _MOST_ROWS):
                    response = self._request(client, "POST", "/items", json={"name": name})
                    if response.is_success:
                        written.rows[response.json()["id"]] = name
                    continue
                id_ = rng.choice(ids)
                if action == "invalid":
                    response = self._request(client, "PUT", f"/items/{id_}", json={"nam": 1})
                    assert response.is_client_error, response.text
                elif action == "delete":
                    response = self._request(client, "DELETE", f"/items/{id_}")
                    if response.is_success:
                        written.deleted.add(id_)
                        del written.rows[id_]
                else:
                    response = self._request(client, "PUT", f"/items/{id_}", json={"name": name})
                    if response.is_success:
                        written.rows[id_] = name

    def _read(self, seed: int) -> None:
        """List with various parameters; read single rows."""
        rng = random.Random(seed)
        with self._client() as client:
            while self._is_running():
                query: dict[str, Any] = {
                    "q": str(rng.randrange(9)),
                    "sort": rng.choice(("id", "-name", "name,-id", "-updatedAt")),
                    "count": rng.randrange(1, 200),
                    "offset": rng.randrange(50),
                }
                names = rng.sample(sorted(query), rng.randrange(len(query)))
                params = {name: query[name] for name in names}
                response = self._request(client, "GET", "/items", params=params)
                for row in response.json()[:3] if response.is_success else ():
                    self._request(client, "GET", f"/items/{row['id']}")

    def _misbehave(self, seed: int) -> None:
        """Disconnect during requests and responses, or send nothing."""
        rng = random.Random(seed)
        address = urlsplit(self.system.url)
        token = self.system.client.headers["Authorization"]
        head = f"Host: {address.netloc}\r\nAuthorization: {token}\r\n"
        body = "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n" + '{"name": "'
        partial_requests = (
            b"",
            b"GET /items HT",
            f"GET /items?count=1000 HTTP/1.1\r\n{head}\r\n".encode(),
            f"GET /items?q=9&sort=name HTTP/1.1\r\n{head}\r\n".encode(),
            f"POST /items HTTP/1.1\r\n{head}{body}".encode(),
        )
        while self._is_running():
            with socket.create_connection((address.hostname or "", address.port or 0)) as client:
                client.sendall(rng.choice(partial_requests))
                time.sleep(rng.random() / 20)
