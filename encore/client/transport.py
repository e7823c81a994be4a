"""HTTP transport: httpx, imported late and lean, with timeouts and our exceptions.

Redirects are not followed: a token must not be sent to another URL. Requests to this machine use
no proxy and load no certificates.
"""

import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from encore.client.errors import ConfigurationError, NetworkError, NetworkTimeoutError
from encore.client.lean_httpx import import_httpx
from encore.client.urls import is_loopback, origin

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 30.0
"""Between two chunks of a response, not for the whole of it."""


class Transport:
    """Sends requests over kept-alive connections until it is closed.

    Args:
        read_seconds: The read timeout: the longest wait for the next bytes of a response.
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
        """Send a request and read the whole response.

        Args:
            method: In upper case.
            url: An http or https URL.
            options: Arguments of ``httpx.Client.request``: headers, content, data, auth.

        Raises:
            NetworkError: No response, or not all of it.
            ConfigurationError: The machine's proxy or certificate settings are invalid.
        """
        client = self._client(url)
        with translated_errors(url):
            response: httpx.Response = client.request(method, url, **options)
            return response

    @contextmanager
    def stream(
        self, url: str, method: str = "GET", **options: Any
    ) -> Iterator[tuple["httpx.Response", Iterator[bytes]]]:
        """Send a request; yield the response and its body, chunk by chunk as it arrives.

        Args:
            url: An http or https URL.
            method: In upper case.
            options: Arguments of ``httpx.Client.stream``.

        Raises:
            NetworkError: No response; raised by the chunks, the connection was lost.
            ConfigurationError: As for ``send``.
        """
        client = self._client(url)
        with ExitStack() as stack:
            with translated_errors(url):
                response = stack.enter_context(client.stream(method, url, **options))
            yield response, _chunks(response, url)

    def _client(self, url: str) -> "httpx.Client":
        httpx = import_httpx()
        local = is_loopback(url)
        if local not in self._clients:
            with invalid_machine_settings():
                self._clients[local] = httpx.Client(
                    timeout=httpx.Timeout(self._read_seconds, connect=CONNECT_SECONDS),
                    **connection_options(is_local=local),
                )
        return self._clients[local]


def connection_options(*, is_local: bool) -> dict[str, Any]:
    """Return the arguments of a client of httpx for URLs of this machine, or of others."""
    return {
        # No certificate authority issues certificates for localhost: an empty context still rejects
        # all, and avoids parsing 140 certificates.
        "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if is_local else True,
        "trust_env": not is_local,
    }


@contextmanager
def invalid_machine_settings() -> Iterator[None]:
    """Raise ``ConfigurationError`` if a client of httpx cannot be created."""
    httpx = import_httpx()
    try:
        yield
    except (ValueError, OSError, ImportError, httpx.InvalidURL) as error:
        raise ConfigurationError(
            "The proxy or certificate settings of this machine are invalid (HTTPS_PROXY,"
            f" ALL_PROXY, SSL_CERT_FILE, SSL_CERT_DIR): {_message(error)}."
        ) from error


@contextmanager
def translated_errors(url: str) -> Iterator[None]:
    """Raise our exceptions instead of httpx's.

    Args:
        url: What is requested; errors of a token request name the issuer's.
    """
    httpx = import_httpx()
    try:
        yield
    except httpx.TimeoutException as error:
        raise NetworkTimeoutError(f"{_origin_of(error, url)} did not respond in time.") from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise NetworkError(
            f"{_origin_of(error, url)} cannot be reached: {_message(error)}."
        ) from error
    except (ValueError, OSError) as error:
        # A host that IDNA rejects, a secret that is not UTF-8; the message may contain it.
        raise NetworkError(
            f"A request to {origin(url)} cannot be written: {type(error).__name__}."
        ) from error


def _chunks(response: "httpx.Response", url: str) -> Iterator[bytes]:
    with translated_errors(url):
        yield from response.iter_bytes()


def _origin_of(error: Exception, url: str) -> str:
    """Return the origin of the request that failed."""
    try:
        return origin(str(error.request.url))  # type: ignore[attr-defined] # or RuntimeError
    except (AttributeError, RuntimeError):
        return origin(url)


def _message(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".")
