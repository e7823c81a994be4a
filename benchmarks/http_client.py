"""Single HTTP requests over loopback, for the harness's checks."""

import http.client
import json
from dataclasses import dataclass
from typing import Any, Final

OK: Final = 200
CREATED: Final = 201
_TIMEOUT: Final = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers by lower-case name, and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)


def send_request(
    port: int, path: str, *, method: str = "GET", token: str | None = None, body: Any = None
) -> Response:
    """Send one request, its body as JSON, on a new connection.

    Raises:
        OSError: No server listens, or the connection broke.
    """
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
    try:
        payload = None if body is None else json.dumps(body)
        connection.request(method, path, body=payload, headers=headers)
        response = connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, named, response.read())
    finally:
        connection.close()
