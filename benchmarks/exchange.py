"""One HTTP exchange over loopback, as the harness's own questions need it."""

import http.client
import json
from dataclasses import dataclass
from typing import Any

_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers by lower-case name, and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)


def ask(
    port: int, path: str, *, method: str = "GET", token: str | None = None, body: Any = None
) -> Answer:
    """Send one request on a connection of its own.

    Raises:
        OSError: nobody listens, or the connection broke.
    """
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
    try:
        payload = None if body is None else json.dumps(body)
        connection.request(method, path, body=payload, headers=headers)
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, named, answer.read())
    finally:
        connection.close()
