"""A fake external system whose answer depends on the request: pages over real HTTP."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

Row = dict[str, Any]


class SourceRequest(NamedTuple):
    """A request that the fake received."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Answer(NamedTuple):
    """An answer: anything but bytes is sent as JSON. Status 0 cuts the body in half."""

    body: Any = b""
    headers: Mapping[str, str] = MappingProxyType({})
    status: int = 200


class PagedSource:
    """Answers each request with what a function returns for it."""

    def __init__(self) -> None:
        self.answer: Callable[[SourceRequest], Answer] = lambda _: Answer([])
        self.faults: list[Answer | None] = []
        """Sent instead of the next answers; None: no fault."""
        self.requests: list[SourceRequest] = []
        self.origin = ""

    @property
    def urls(self) -> list[str]:
        """Path and query of each request."""
        return [request.path for request in self.requests]


@contextmanager
def serve_pages() -> Iterator[PagedSource]:
    """Serve a fake until the context ends."""
    source = PagedSource()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
            request = SourceRequest(self.command, self.path, query, headers, body)
            source.requests.append(request)
            answer = (source.faults and source.faults.pop(0)) or source.answer(request)
            content = answer.body
            if not isinstance(content, bytes):
                content = json.dumps(content).encode()
            self.send_response(answer.status or 200)
            sent = {"Content-Type": "application/json", "Content-Length": str(len(content))}
            for name, value in (sent | dict(answer.headers)).items():
                self.send_header(name, value)
            self.end_headers()
            if answer.status:
                self.wfile.write(content)
            else:
                self.wfile.write(content[: len(content) // 2])
                self.close_connection = True

        do_GET = do_POST = _respond  # noqa: N815 - the names that http.server calls.

        def log_message(self, *_: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Ignore that the client closed a connection."""

    server = Server(("127.0.0.1", 0), Handler)
    source.origin = f"http://localhost:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield source
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def rows(first: int, last: int) -> list[Row]:
    """Return rows in our names with the external ids E<first> to E<last>."""
    return [
        {
            "user_id": "007",
            "date": "2017-05-10",
            "project": "StoreZero",
            "hours": 0.5,
            "external_id": f"E{number}",
        }
        for number in range(first, last + 1)
    ]
