"""A web server that answers like the API of a time tracker, with the files of a case."""

from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Self


class ExportServer:
    """Answers the requests that a case names; any other is a 404, one with other headers a 403."""

    def __init__(self) -> None:
        self._directory = Path()
        self._answers: dict[str, Mapping[str, Any]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://localhost:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def serve(self, directory: Path, answers: list[Mapping[str, Any]]) -> None:
        """Answer these requests from now on.

        Args:
            directory: Of the files.
            answers: Each has ``request`` (method and path) and ``file``, and may have ``headers``
                and ``body`` of the request, and ``response_headers``.
        """
        self._directory = directory
        self._answers = {answer["request"]: answer for answer in answers}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _respond(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                answer = server._answers.get(f"{self.command} {self.path}", {})
                headers = answer.get("headers", {})
                status = 200 if answer else 404
                if any(self.headers[name] != value for name, value in headers.items()):
                    status = 403
                if body != answer.get("body", ""):
                    status = 400
                content = b"{}"
                if status == 200:
                    content = (server._directory / answer["file"]).read_bytes()
                self.send_response(status)
                sent = {"Content-Type": "application/json", "Content-Length": str(len(content))}
                for name, value in {**sent, **answer.get("response_headers", {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _respond  # noqa: N815 - the base class's names.

            def log_message(self, *_: Any) -> None:
                return

        return Handler
