"""HTTP itself: httpx, imported late and lean, with timeouts and our errors in place of its own.

Redirects are not followed: a token must not go where nobody sent it. Requests to this machine
pass no proxy and load no certificates.
"""

import ssl
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

from client.address import is_loopback, origin
from client.errors import ConfigurationError, NetworkError

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
"""Between two pieces of an answer, not for the whole of it."""


class Transport:
    """Sends requests and keeps connections open until it is closed.

    Args:
        read_seconds: The longest wait for an answer, or for its next piece, in seconds.
    """

    def __init__(self, read_seconds: float = READ_SECONDS) -> None:
        self._read_seconds = read_seconds
        self._clients: dict[bool, httpx.Client] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def send(self, method: str, url: str, **options: Any) -> "httpx.Response":
        """Send a request and read the whole answer.

        Args:
            method: In upper case.
            url: An http or https URL.
            options: Whatever ``httpx.Client.request`` takes: headers, content, data, auth.

        Raises:
            NetworkError: No answer came, or not all of it.
            ConfigurationError: The machine's own proxy or certificate settings are broken.
        """
        httpx = import_httpx()
        client = self._client(url, httpx)
        with _told(url, httpx):
            return client.request(method, url, **options)

    @contextmanager
    def stream(
        self, url: str, **options: Any
    ) -> Iterator[tuple["httpx.Response", Iterator[bytes]]]:
        """Send a GET request; give the answer and its body, piece by piece as it comes.

        Args:
            url: An http or https URL.
            options: Whatever ``httpx.Client.stream`` takes.

        Raises:
            NetworkError: No answer came; from the pieces, it broke off.
            ConfigurationError: As for ``send``.
        """
        httpx = import_httpx()
        client = self._client(url, httpx)
        with ExitStack() as stack:
            with _told(url, httpx):
                response = stack.enter_context(client.stream("GET", url, **options))
            yield response, _pieces(response, url, httpx)

    def _client(self, url: str, httpx: ModuleType) -> "httpx.Client":
        local = is_loopback(url)
        if local not in self._clients:
            try:
                self._clients[local] = httpx.Client(
                    timeout=httpx.Timeout(self._read_seconds, connect=CONNECT_SECONDS),
                    # No certificate authority vouches for localhost: an empty context still
                    # refuses them all, and spares the parsing of 140 certificates.
                    verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if local else True,
                    trust_env=not local,
                )
            except (ValueError, OSError, ImportError, httpx.InvalidURL) as error:
                raise ConfigurationError(
                    "The proxy or certificate settings of this machine are broken (HTTPS_PROXY,"
                    f" ALL_PROXY, SSL_CERT_FILE, SSL_CERT_DIR): {_reason(error)}."
                ) from error
        return self._clients[local]


def import_httpx() -> ModuleType:
    """Import httpx without its command line, which drags in click, rich and pygments.

    httpx takes a failed import of its ``_main`` for "not installed" and goes on without; ``None``
    in ``sys.modules`` makes the import fail. It halves the time.
    """
    if "httpx" not in sys.modules:
        sys.modules["httpx._main"] = None  # type: ignore[assignment]
        try:
            import httpx  # noqa: PLC0415
        finally:
            del sys.modules["httpx._main"]
        return httpx
    return sys.modules["httpx"]


def _pieces(response: "httpx.Response", url: str, httpx: ModuleType) -> Iterator[bytes]:
    with _told(url, httpx):
        yield from response.iter_bytes()


@contextmanager
def _told(url: str, httpx: ModuleType) -> Iterator[None]:
    """Turn httpx's exceptions into ours."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise NetworkError(f"{origin(url)} did not answer in time.") from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise NetworkError(f"{origin(url)} cannot be reached: {_reason(error)}.") from error
    except (ValueError, OSError) as error:
        # A host that IDNA refuses, a secret that is not UTF-8. The text may repeat it.
        raise NetworkError(
            f"A request to {origin(url)} cannot be written: {type(error).__name__}."
        ) from error


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".")
