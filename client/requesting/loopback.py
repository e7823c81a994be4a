"""Plain HTTP to this machine, over ``http.client``: half of the time of a request is not httpx.

The development service is such a server. There is no proxy, no TLS and no redirect on this way;
any other URL, and one that httpx would have to escape, is requested over httpx.
"""

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from client.requesting.messages import Request, Response
from encore.client.errors import NetworkError, UnexpectedResponseError
from encore.client.urls import is_loopback, origin

if TYPE_CHECKING:
    import socket
    from http.client import HTTPConnection, HTTPResponse

_CHUNK_BYTES: Final = 65_536
_PLAIN_URL: Final = re.compile(r"http://(?:[\w.!$&'()*+,;=:@/?~-]|%[0-9A-Fa-f]{2})*", re.ASCII)
"""URLs that httpx sends as they are, so that both ways request the same."""


def is_plain_loopback(url: str) -> bool:
    """Return whether a URL can be requested on this way."""
    dots = "/." in url  # httpx resolves dot segments.
    return bool(_PLAIN_URL.fullmatch(url)) and not dots and is_loopback(url)


class LoopbackTransport:
    """Sends requests over one connection to each server until it is closed.

    Args:
        connect_seconds: The longest wait for a connection.
        read_seconds: The longest wait for the next bytes of a response.
    """

    def __init__(self, connect_seconds: float, read_seconds: float) -> None:
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._connections: dict[str, HTTPConnection] = {}
        self._responses: list[HTTPResponse] = []

    def close(self) -> None:
        """Close all connections, and responses that were not read."""
        for response in self._responses:
            response.close()
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def send(self, request: Request) -> Response:
        """Send a request; the body of the response is read when it is needed.

        Raises:
            NetworkError: No response; raised by the chunks, the connection was lost.
            UnexpectedResponseError: The body is compressed.
        """
        client = import_http_client()
        address = origin(request.url)
        try:
            response = self._send(request, self._connection(address, client))
        except TimeoutError as error:
            self.close()
            raise NetworkError(f"{address} did not respond in time.") from error
        except (OSError, client.HTTPException) as error:
            self.close()
            raise NetworkError(f"{address} cannot be reached: {_message(error)}.") from error
        self._responses = [response]  # Those before it are read.
        encoding = response.getheader("Content-Encoding", "identity").lower()
        if encoding not in {"", "identity"}:
            raise UnexpectedResponseError(
                f"{address} responded with {encoding}, although the request accepts none."
            )
        chunks = _chunks(response, address, client)
        return Response(response.status, response.reason, response.getheaders(), chunks)

    def _connection(self, address: str, client: ModuleType) -> "HTTPConnection":
        known = self._connections.get(address)
        if known is None or known.sock is None or _has_ended(known.sock):
            if known is not None:
                known.close()
            parts = urlsplit(address)
            from client.requesting.final_response import FinalResponse  # noqa: PLC0415 - start-up.

            connection = client.HTTPConnection(parts.hostname, parts.port)
            connection.response_class = FinalResponse
            connection.sock = _connect(parts.hostname or "", connection.port, self._connect_seconds)
            connection.sock.settimeout(self._read_seconds)
            self._connections[address] = connection
        return self._connections[address]

    def _send(self, request: Request, connection: "HTTPConnection") -> "HTTPResponse":
        parts = urlsplit(request.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.putrequest(request.method, target)
        for name, value in request.headers:
            connection.putheader(name, value)
        body = request.body
        if isinstance(body, bytes):
            connection.putheader("Content-Length", str(len(body)))
            body = [body]
        elif body is None and request.method in {"POST", "PUT", "PATCH"}:
            connection.putheader("Content-Length", "0")
        connection.endheaders()
        try:
            for chunk in body or ():
                connection.send(chunk)
        except (BrokenPipeError, ConnectionResetError):
            # The server has responded, such as 401 or 413, and reads no more of the body.
            response = connection.getresponse()
            connection.sock.close()  # When the response is read; it cannot be used again.
            connection.sock = None
            return response
        return connection.getresponse()


def _connect(host: str, port: int, seconds: float) -> "socket.socket":
    """Return a connection to this machine."""
    import socket  # noqa: PLC0415 - start-up.

    # As bytes: of a string Python would look up whether it is an international name.
    address: Any = (host.encode("ascii"), port)
    connection = socket.create_connection(address, seconds)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _has_ended(connection: "socket.socket") -> bool:
    """Return whether the server has closed a connection while nothing was requested."""
    import socket  # noqa: PLC0415 - start-up.

    timeout = connection.gettimeout()
    connection.settimeout(0)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(timeout)
    return True  # Its end, or bytes that belong to no request.


def import_http_client() -> ModuleType:
    """Import ``http.client`` without TLS, whose import takes a tenth of a request.

    ``None`` in ``sys.modules`` makes its import fail, which ``http.client`` expects of a Python
    that was built without TLS.
    """
    if "http.client" in sys.modules or "ssl" in sys.modules:
        return import_module("http.client")
    sys.modules["ssl"] = None  # type: ignore[assignment] # makes the import fail
    try:
        return import_module("http.client")
    finally:
        del sys.modules["ssl"]


def _chunks(response: "HTTPResponse", address: str, client: ModuleType) -> Iterator[bytes]:
    try:
        while chunk := response.read1(_CHUNK_BYTES):
            yield chunk
    except TimeoutError as error:
        raise NetworkError(f"{address} did not respond in time.") from error
    except (OSError, client.HTTPException) as error:
        raise NetworkError(f"{address} cannot be reached: {_message(error)}.") from error
    finally:
        complete = not response.length
        response.close()  # The connection can be used again.
    if not complete:
        # http.client takes the end of a connection for the end of a body with a length.
        raise NetworkError(f"{address} cannot be reached: the response is incomplete.")


def _message(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".")
