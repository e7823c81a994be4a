"""A URL of the external system as a source."""

import io
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

from client.errors import SourceError, SourceUnavailableError
from client.importing.retries import RETRY_STATUSES
from client.importing.settings import SourceCredentials
from client.importing.sources.file_formats import (
    charset_of,
    format_of_media_type,
    format_of_path,
)
from client.importing.sources.headers import has_secrets, resolve_headers
from client.importing.sources.request import PageRequest
from client.importing.sources.source import OpenSource, Source
from encore.client.errors import ConfigurationError, NetworkError, UsageError
from encore.client.strict_json import parse_json
from encore.client.transport import Transport
from encore.client.urls import origin, require_https, validate_url

if TYPE_CHECKING:
    import httpx

_ACCEPT: Final = "text/csv, application/x-ndjson, application/json;q=0.9"
_JSON: Final = "application/json"
_OK: Final = 200
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class UrlSource(Source):
    """A URL of the external system, with its own credentials.

    Args:
        url: http or https; its ``Content-Type``, or else its suffix, determines the format.
        credentials: Sent to this URL only.
        parameters: Put into the query, or into a body that is a JSON object.
        insecure: Whether credentials may be sent over http to another machine.
        headers: As in the mapping: ``$NAME`` in a value is a variable.
        variables: The values of these variables.
        body: The request's body, which is then a POST; JSON unless a header says otherwise.

    Raises:
        UsageError: The URL is malformed, or contains credentials.
        ConfigurationError: Headers or body are invalid, or a variable is not set.
        InsecureError: Credentials or headers would be sent in clear.
    """

    def __init__(
        self,
        url: str,
        credentials: SourceCredentials,
        parameters: Mapping[str, str],
        *,
        insecure: bool = False,
        headers: Mapping[str, str] = MappingProxyType({}),
        variables: Mapping[str, str] = MappingProxyType({}),
        body: str = "",
    ) -> None:
        validate_url(url, "SOURCE", UsageError)
        if (credentials.is_set or has_secrets(headers)) and not insecure:
            require_https(url, "source's credentials")
        parts = urlsplit(url)
        self.request = PageRequest(urlunsplit(parts._replace(fragment="")), body)
        for name, value in parameters.items():
            self.request = self.request.with_parameter(name, value)
        self._headers = _merge_headers(resolve_headers(headers, variables), credentials, body)
        self.headers = headers
        self._transport = Transport()
        self._path = PurePosixPath(parts.path)
        self.name = f"{parts.netloc}{parts.path}".rstrip("/")

    request: PageRequest

    @contextmanager
    def open(
        self, *, reopen: bool = False, request: PageRequest | None = None
    ) -> Iterator[OpenSource]:
        """Request a page, and stream its body."""
        del reopen  # A URL can always be requested again.
        url, body = request or self.request
        with ExitStack() as stack:
            try:
                response, chunks = stack.enter_context(
                    self._transport.stream(
                        url,
                        method="POST" if body else "GET",
                        headers=self._headers,
                        content=body.encode() or None,
                    )
                )
            except NetworkError as error:
                raise SourceUnavailableError(str(error)) from error
            self._check_status(response)
            headers = {name.lower(): value for name, value in response.headers.items()}
            yield OpenSource(
                io.BufferedReader(_ResponseBody(chunks)),
                self._format_of(response),
                _content_length(response),
                charset_of(headers.get("content-type", "")),
                headers,
            )

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def _check_status(self, response: "httpx.Response") -> None:
        status = response.status_code
        if status == _OK:
            return
        message = (
            f"{origin(self.request.url)} did not return rows: {status} {response.reason_phrase}."
        )
        if status in _REDIRECTS:
            message += " Redirects are not followed: import from the URL that it leads to."
        if status in RETRY_STATUSES:
            retry_after = response.headers.get("retry-after", "")
            raise SourceUnavailableError(message, status, retry_after)
        raise SourceError(message, status)

    def _format_of(self, response: "httpx.Response") -> str:
        content_type = response.headers.get("content-type", "")
        return format_of_media_type(content_type) or format_of_path(self._path)


def _merge_headers(
    headers: Mapping[str, str], credentials: SourceCredentials, body: str
) -> dict[str, str]:
    """Return the headers of each request, names in lower case."""
    own = {name.lower(): value for name, value in headers.items()}
    given = {name.lower(): value for name, value in credentials.headers.items()}
    if own.keys() & given.keys():
        raise ConfigurationError(
            "Authorization is set twice: by [headers] of the mapping and by IMPORT_SOURCE_TOKEN or"
            " IMPORT_SOURCE_USER. Remove one of them."
        )
    if body and "content-type" not in own:
        own["content-type"] = _JSON
    if body and _is_json(own["content-type"]):
        _validate_json(body)
    return {"accept": _ACCEPT, **given, **own}


def _is_json(media_type: str) -> bool:
    name = media_type.partition(";")[0].strip().lower()
    return name == _JSON or name.endswith("+json")


def _validate_json(body: str) -> None:
    try:
        parse_json(body)
    except ValueError as error:
        raise ConfigurationError(
            f"The body in the mapping is not JSON: {error}. If it is meant to be something else,"
            " set Content-Type in [headers]."
        ) from error


class _ResponseBody(io.RawIOBase):
    """A streamed response body as a file that can be read once."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._unread = b""
        self._position = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        try:
            while not self._unread:
                self._unread = next(self._chunks)
        except StopIteration:
            return 0
        except NetworkError as error:
            raise SourceUnavailableError(f"The source was cut off. {error}") from error
        chunk, self._unread = self._unread[: len(buffer)], self._unread[len(buffer) :]
        buffer[: len(chunk)] = chunk
        self._position += len(chunk)
        return len(chunk)


def _content_length(response: "httpx.Response") -> int | None:
    """Return the body's length in bytes, if it was sent and the body is not encoded."""
    length = response.headers.get("content-length", "")
    encoded = "content-encoding" in response.headers
    return int(length) if length.isdecimal() and not encoded else None
