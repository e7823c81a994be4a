"""The Node process that runs data providers and reference servers (``clients.mjs``)."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

FOLDER: Final = Path(__file__).resolve().parent
_END_SECONDS: Final = 10


class DataProviderError(Exception):
    """A method of a data provider has rejected its promise.

    Attributes:
        status: The status of the response.
        body: The decoded body, if the provider has kept it.
        message: The message of the error, which front ends show.
    """

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error)
        self.status = error.get("status")
        self.body = error.get("body")
        self.message = str(error.get("message"))


class NodeClients:
    """A Node process; one call at a time."""

    def __init__(self, node: str) -> None:
        self._process = subprocess.Popen(
            [node, str(FOLDER / "clients.mjs")],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(_END_SECONDS)
            finally:
                process.kill()

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request to the process; return its answer."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer

    def start_server(self, name: str, rows: list[dict[str, Any]]) -> str:
        """Start ``json-server`` or ``fakerest`` over rows; return the URL of its collection."""
        return f"{self.ask(server=name, rows=rows)['url']}/rows"


@dataclass
class DataProvider:
    """A data provider from npm, for one service.

    Attributes:
        clients: The process that runs it.
        package: The name of the npm package.
        url: The service.
        token: The bearer token.
        requests: What its last call has sent.
    """

    clients: NodeClients
    package: str
    url: str
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def call(self, method: str, *args: Any) -> Any:
        """Call a method of the provider; return its result.

        Raises:
            DataProviderError: It has failed.
        """
        answer = self.clients.ask(
            provider=self.package, method=method, args=args, url=self.url, token=self.token
        )
        self.requests = answer["requests"]
        if "error" in answer:
            raise DataProviderError(answer["error"])
        return answer["result"]
