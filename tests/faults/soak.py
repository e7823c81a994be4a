"""Callers of a soak: some work and remember what they were told, some misbehave."""

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
class Ledger:
    """What one writer was told of its rows.

    Attributes:
        rows: The name of each row by id, as last acknowledged.
        gone: The ids of rows whose deletion was acknowledged.
        doubtful: The ids of rows of which the last answer never came.
    """

    rows: dict[int, str] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    doubtful: set[int] = field(default_factory=set)


@dataclass
class Soak:
    """Callers in threads until the time is over.

    Attributes:
        surprises: Responses that nobody may get, in words.
        done: Requests that were answered.
    """

    system: System
    seconds: float
    ledgers: list[Ledger] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    done: int = 0

    def run(self, writers: int, readers: int, hostile: int) -> None:
        """Let them work until the time is over. An error of a caller is raised here."""
        self._end = time.monotonic() + self.seconds
        jobs: list[Callable[[int], None]] = [self._write] * writers
        jobs += [self._read] * readers + [self._misbehave] * hostile
        failures: list[BaseException] = []

        def work(job: Callable[[int], None], seed: int) -> None:
            try:
                job(seed)
            except BaseException as error:  # noqa: BLE001 - told to the test, whatever it is
                failures.append(error)

        threads = [threading.Thread(target=work, args=(job, seed)) for seed, job in enumerate(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for failure in failures:
            raise failure

    def _going_on(self) -> bool:
        return time.monotonic() < self._end

    def _client(self) -> httpx.Client:
        headers = self.system.client.headers
        return httpx.Client(base_url=self.system.url, headers=headers, timeout=_TIMEOUT_S)

    def _request(self, client: httpx.Client, method: str, path: str, **more: Any) -> httpx.Response:
        response = client.request(method, path, **more)
        self.done += 1
        busy = response.status_code == _UNAVAILABLE and "retry-after" in response.headers
        if response.status_code >= _SERVER_ERROR and not busy:
            self.surprises.append(f"{method} {path}: {response.status_code} {response.text[:200]}")
        return response

    def _write(self, seed: int) -> None:
        """Create, change and delete rows of its own, and keep a ledger."""
        chosen, ledger = random.Random(seed), Ledger()
        self.ledgers.append(ledger)
        with self._client() as client:
            number = 0
            while self._going_on():
                number += 1
                name = f"{seed}: {number}"
                known = [one for one in ledger.rows if one not in ledger.doubtful]
                act = chosen.choice(("create", "change", "change", "delete", "refused"))
                if not known or (act == "create" and len(known) < _MOST_ROWS):
                    response = self._request(client, "POST", "/items", json={"name": name})
                    if response.is_success:
                        ledger.rows[response.json()["id"]] = name
                    continue
                key = chosen.choice(known)
                if act == "refused":
                    response = self._request(client, "PUT", f"/items/{key}", json={"nam": 1})
                    assert response.is_client_error, response.text
                elif act == "delete":
                    response = self._request(client, "DELETE", f"/items/{key}")
                    if response.is_success:
                        ledger.gone.add(key)
                        del ledger.rows[key]
                else:
                    response = self._request(client, "PUT", f"/items/{key}", json={"name": name})
                    if response.is_success:
                        ledger.rows[key] = name

    def _read(self, seed: int) -> None:
        """List in many ways; read single rows of others."""
        chosen = random.Random(seed)
        with self._client() as client:
            while self._going_on():
                query: dict[str, Any] = {
                    "q": str(chosen.randrange(9)),
                    "sort": chosen.choice(("id", "-name", "name,-id", "-updatedAt")),
                    "count": chosen.randrange(1, 200),
                    "offset": chosen.randrange(50),
                }
                names = chosen.sample(sorted(query), chosen.randrange(len(query)))
                given = {name: query[name] for name in names}
                response = self._request(client, "GET", "/items", params=given)
                for row in response.json()[:3] if response.is_success else ():
                    self._request(client, "GET", f"/items/{row['id']}")

    def _misbehave(self, seed: int) -> None:
        """Leave in the middle of requests and responses, or send none."""
        chosen = random.Random(seed)
        address = urlsplit(self.system.url)
        token = self.system.client.headers["Authorization"]
        head = f"Host: {address.netloc}\r\nAuthorization: {token}\r\n"
        body = "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n" + '{"name": "'
        openings = (
            b"",
            b"GET /items HT",
            f"GET /items?count=1000 HTTP/1.1\r\n{head}\r\n".encode(),
            f"GET /items?q=9&sort=name HTTP/1.1\r\n{head}\r\n".encode(),
            f"POST /items HTTP/1.1\r\n{head}{body}".encode(),
        )
        while self._going_on():
            with socket.create_connection((address.hostname or "", address.port or 0)) as client:
                client.sendall(chosen.choice(openings))
                time.sleep(chosen.random() / 20)
