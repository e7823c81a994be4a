"""A server on 127.0.0.1 that receives one redirect of a browser."""

from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Event, Lock, Thread
from typing import Any, Final, Self
from urllib.parse import urlsplit

PATH: Final = "/callback"

_SOCKET_SECONDS: Final = 10
_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<h1>{title}</h1><p>{message}</p></html>"""
_RECEIVED: Final = ("Go back to the terminal", "You can close this page.")
_REJECTED: Final = ("This is not the login that is waiting", "Start it again in the terminal.")

Response = Mapping[str, str]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without looking up this machine's name, which may take long."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()


class CallbackServer:
    """Listens on a free port until a response was accepted.

    Args:
        read: Returns the parameters of a query; None if it is not the response waited for.
    """

    def __init__(self, read: Callable[[str], Response | None]) -> None:
        self._read = read
        self._lock = Lock()
        self._received = Event()
        self._response: Response | None = None
        # Browsers open connections ahead and leave them idle: each has a thread.
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The redirect URI."""
        return f"http://{self._host}{PATH}"

    @property
    def _host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, seconds: float) -> Response | None:
        """Return the response, or None if there was none in time."""
        self._received.wait(seconds)
        return self._response

    def accept(self, path: str, host: str) -> bool:
        """Return whether a request is the response waited for; a second one is not."""
        parts = urlsplit(path)
        if parts.path != PATH or host != self._host:
            return False
        response = self._read(parts.query)
        with self._lock:
            if response is None or self._response is not None:
                return False
            self._response = response
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            timeout = _SOCKET_SECONDS

            def do_GET(self) -> None:
                accepted = server.accept(self.path, self.headers.get("Host", ""))
                title, message = _RECEIVED if accepted else _REJECTED
                body = _PAGE.format(title=title, message=message).encode()
                try:
                    self.send_response(200 if accepted else 400)
                    self.send_header("Content-Type", "text/html; charset=utf-8")
                    self.send_header("Content-Length", str(len(body)))
                    self.send_header("Cache-Control", "no-store")
                    self.send_header("Referrer-Policy", "no-referrer")
                    self.send_header("Content-Security-Policy", "default-src 'none'")
                    self.send_header("Connection", "close")
                    self.end_headers()
                    self.wfile.write(body)
                finally:
                    # After the page was sent: the server is closed when this is set.
                    if accepted:
                        server._received.set()

            def log_message(self, *_: Any) -> None:
                """Write nothing: a query has a code."""

        return Handler
