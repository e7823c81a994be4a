"""What both clients do with a request, apart from sending and waiting.

``ClientCore`` is given the ``httpx`` client of either kind: building requests is the same in both.
"""

from collections.abc import Generator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from encore.client.auth import INSECURE, can_be_repeated
from encore.client.encoding import JSON, encode_json
from encore.client.errors import ClientError, ConfigurationError, UsageError
from encore.client.lean_httpx import httpx
from encore.client.requests import NO_BODY, Request
from encore.client.retries import (
    may_be_sent_again,
    seconds_after_error,
    seconds_after_response,
)
from encore.client.row_stream import ChunkStream, RowStream, as_stream
from encore.client.transport import CONNECT_SECONDS, READ_SECONDS
from encore.client.urls import origin, require_https, validate_url

DEFAULT_TIMEOUT: Final = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)


def check_timeout(timeout: Any) -> Any:
    """Return a timeout.

    Raises:
        UsageError: It is neither a positive number nor ``httpx.Timeout`` nor None.
    """
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is None or isinstance(timeout, httpx.Timeout) or (is_number and timeout > 0):
        return timeout
    raise UsageError("timeout must be a number of seconds above 0, httpx.Timeout, or None.")


def timeout_of(read_seconds: float) -> httpx.Timeout:
    """Return a timeout with this wait for the next bytes of a response."""
    return httpx.Timeout(read_seconds, connect=CONNECT_SECONDS)


Steps = Generator[httpx.Request | float, httpx.Response | None, None]
"""Yields a request, and gets its response or error; or seconds to wait, and gets None. The last
response is the result."""


class ClientCore:
    """The settings of a client, and how it treats requests and failures.

    Args:
        base_url: The URL below which the API is.
        auth: How requests are authenticated; None for an API without tokens.
        headers: Sent with every request.
        retries: How often a request that may be sent again is sent again.
        insecure: Whether tokens may be sent over http to another machine.

    Raises:
        ConfigurationError: A value is invalid.
        InsecureError: The API is http on another machine, and there is a token to send.
    """

    def __init__(
        self,
        base_url: str,
        auth: httpx.Auth | None,
        headers: Mapping[str, str],
        retries: int,
        *,
        insecure: bool,
    ) -> None:
        validate_url(base_url, "base_url", ConfigurationError)
        if urlsplit(base_url).query or urlsplit(base_url).fragment:
            raise ConfigurationError("base_url must not have a query or a fragment.")
        if auth is not None and not isinstance(auth, httpx.Auth):
            raise ConfigurationError(
                f"auth must be BearerToken, ClientCredentials or another httpx.Auth, not a"
                f" {type(auth).__name__}."
            )
        if retries < 0:
            raise ConfigurationError("retries must not be negative.")
        sends_secret = auth is not None or "authorization" in (name.lower() for name in headers)
        if sends_secret and not insecure:
            require_https(base_url, "token")
        self.base_url = base_url.rstrip("/")
        self.retries = retries
        self._insecure = insecure

    def build(self, http: "httpx.Client | httpx.AsyncClient", request: Request) -> httpx.Request:
        """Return the request of httpx.

        Raises:
            UsageError: Its URL is not below the API's origin, or its body is not JSON.
        """
        if "{" in request.url:
            raise UsageError("A URL must not have braces: references are for batches only.")
        headers = {"Accept": JSON, **request.headers}
        content = request.content
        if request.json is not NO_BODY:
            if content is not None:
                raise UsageError("A request has json or content, not both.")
            content = encode_json(request.json)
        if content is not None and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = JSON
        content = as_stream(content)
        stream = content if isinstance(content, RowStream | ChunkStream) else None
        try:
            built = http.build_request(
                request.method,
                self.absolute_url(request.url),
                params=_merged_query(request),
                content=None if stream is not None else content,
                headers=headers,
                timeout=(
                    check_timeout(request.options["timeout"])
                    if "timeout" in request.options
                    else httpx.USE_CLIENT_DEFAULT
                ),
                extensions={INSECURE: self._insecure},
            )
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            # A URL that is too long, a header that is not ASCII, a lone surrogate.
            raise UsageError(f"The request cannot be written: {error}.") from error
        if stream is not None:
            built.headers.pop("Content-Length", None)
            built.headers["Transfer-Encoding"] = "chunked"
            built.stream = stream
        return built

    def absolute_url(self, url: str) -> str:
        """Return the absolute URL of a relative one; an absolute one must be of the same origin.

        Raises:
            UsageError: It is of another origin, which must not get the token.
        """
        if "://" not in url.partition("?")[0]:
            return f"{self.base_url}/{url.lstrip('/')}"
        validate_url(url, "The URL", UsageError)
        if origin(url).lower() != origin(self.base_url).lower():
            raise UsageError(
                f"{origin(url)} is not {origin(self.base_url)}: the token is sent to the client's"
                " API only."
            )
        return url

    def steps(self, http: "httpx.Client | httpx.AsyncClient", request: Request) -> Steps:
        """Yield requests and waits until there is a response that is not to be retried."""
        built = self.build(http, request)
        attempt = 0
        while True:
            attempt += 1
            is_last = (
                attempt > self.retries
                or not may_be_sent_again(built.method, built.headers)
                or not can_be_repeated(built)
            )
            try:
                response = yield built
            except ClientError as error:
                wait = None if is_last else seconds_after_error(error, attempt)
                if wait is None:
                    raise
            else:
                wait = None
                if not is_last and response is not None:
                    wait = seconds_after_response(response, attempt)
                if wait is None:
                    return
            yield wait


def _merged_query(request: Request) -> httpx.QueryParams | None:
    """Return the query; None leaves that of the URL as it is."""
    if not request.query:
        return None
    return httpx.QueryParams([*httpx.URL(request.url).params.multi_items(), *request.query])
