"""Authentication of requests, as ``httpx.Auth``: a fixed token, or one by client credentials.

Both work with every client of httpx, with or without tasks:
``httpx.Client(auth=ClientCredentials(...))``. The steps of a flow are one generator, which yields
requests to send and seconds to wait; only how to send and how to wait differs.
"""

import time
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Final, Self

from encore.client.errors import ClientError, ConfigurationError, UsageError
from encore.client.lean_httpx import httpx
from encore.client.redaction import basic_credentials, hide_secrets
from encore.client.settings import ClientSettings
from encore.client.token_cache import CachedToken, MemoryTokenCache, TokenCache, TokenKey
from encore.client.token_requests import TOKEN, build_token_request, parse_token_response
from encore.client.urls import require_https, validate_url

INSECURE: Final = "encore.insecure"
"""The extension of a request whose token may be sent over http to another machine."""

POLL_SECONDS: Final = 0.01
"""Between two attempts to lock the cache while another caller requests the token."""

LOCK_SECONDS: Final = 60.0
"""Longer than a token request takes: a lock held longer is ignored."""

_UNAUTHORIZED: Final = 401

_Steps = Generator[httpx.Request | float, httpx.Response | None, None]
"""Yields a request, and gets its response; or seconds to wait, and gets None."""


class BearerToken(httpx.Auth):
    """Sends a fixed token.

    Args:
        token: The access token.
        insecure: Whether it may be sent over http to another machine.

    Raises:
        UsageError: It cannot be a bearer token; it is empty, for example.
    """

    def __init__(self, token: str, *, insecure: bool = False) -> None:
        if not TOKEN.fullmatch(token):
            raise UsageError("The token is malformed: it is empty, or has a blank or a line end.")
        self._token = token
        self._insecure = insecure

    def __repr__(self) -> str:
        return "BearerToken('***')"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with the token."""
        yield _authorize(request, self._token, insecure=self._insecure)


class TokenAuth(httpx.Auth):
    """Sends a token that is requested when it is needed, cached, and renewed.

    It is renewed shortly before its end, and once if the API rejects it though it came from the
    cache: the issuer may have new keys, or have revoked it. Concurrent requests, of threads or of
    tasks, request one token. A request whose body cannot be sent twice, such as a generator, is
    not repeated: its 401 is the response, and the next request gets a new token.

    Subclasses say how a token is requested.

    Args:
        key: What the token is requested for.
        cache: Where it is kept; in memory by default.
        insecure: Whether it may be sent over http to another machine.
        clock: Returns seconds since 1970.
    """

    def __init__(
        self,
        key: TokenKey,
        *,
        cache: TokenCache | None = None,
        insecure: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key = key
        self._cache = MemoryTokenCache() if cache is None else cache
        self._insecure = insecure
        self._clock = clock
        self._token: CachedToken | None = None
        self._rejected = ""

    def build_token_request(self, cached: CachedToken | None) -> httpx.Request:
        """Return a request whose response has a token.

        Args:
            cached: The last token, which has expired or was rejected; it may have a refresh token.
        """
        raise NotImplementedError

    def parse_token_response(self, response: httpx.Response) -> CachedToken:
        """Return the token of a response, which has been read.

        Raises:
            ClientError: It has none.
        """
        return parse_token_response(response, self._clock())

    def get_token(
        self, send: Callable[[httpx.Request], httpx.Response], *, rejected: str = ""
    ) -> CachedToken:
        """Return a token without a request that it authenticates.

        Args:
            send: Sends a token request, and reads the response.
            rejected: A token that must not be returned again.

        Raises:
            ClientError: The issuer returned no token.
        """
        self._rejected = rejected
        token = self._token = self._cache.load(self._key)
        if token is not None and self._is_usable(token):
            return token
        steps = self._obtain(httpx.Request("GET", self._key.issuer))
        try:
            step = next(steps)
            while True:
                if isinstance(step, float):
                    time.sleep(step)
                    step = next(steps)
                else:
                    step = steps.send(send(step))
        except StopIteration as end:
            obtained: tuple[CachedToken, bool] = end.value
            return obtained[0]
        finally:
            steps.close()

    def redact(self, message: str) -> str:
        """Return a message without the token, in case a server has repeated it."""
        token = "" if self._token is None else self._token.access_token
        return message.replace(token, "***") if token else message

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with a token, after and before others as needed."""
        steps = self._steps(request)
        try:
            step = next(steps)
            while True:
                if isinstance(step, float):
                    time.sleep(step)
                    step = next(steps)
                    continue
                response = yield step
                if step is not request:
                    response.read()
                step = steps.send(response)
        except StopIteration:
            return
        finally:
            steps.close()

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send the request with a token, as ``sync_auth_flow`` does."""
        import anyio  # noqa: PLC0415 - httpx needs it for tasks only.

        steps = self._steps(request)
        try:
            step = next(steps)
            while True:
                if isinstance(step, float):
                    await anyio.sleep(step)
                    step = next(steps)
                    continue
                response = yield step
                if step is not request:
                    await response.aread()
                step = steps.send(response)
        except StopIteration:
            return
        finally:
            steps.close()

    def _steps(self, request: httpx.Request) -> _Steps:
        # Without the lock: nearly every request finds a token that is usable.
        token = self._token = self._token or self._cache.load(self._key)
        requested = False
        if token is None or not self._is_usable(token):
            token, requested = yield from self._obtain(request)
        response = yield _authorize(request, token.access_token, insecure=self._insecure)
        if response is None or response.status_code != _UNAUTHORIZED or requested:
            return
        self._rejected = token.access_token
        if can_be_repeated(request):
            token, _ = yield from self._obtain(request)
            yield _authorize(request, token.access_token, insecure=self._insecure)

    def _obtain(
        self, request: httpx.Request
    ) -> Generator[httpx.Request | float, httpx.Response | None, tuple[CachedToken, bool]]:
        """Return a usable token, and whether it was requested now."""
        locked = yield from self._lock()
        try:
            cached = self._cache.load(self._key)
            if cached is not None and self._is_usable(cached):
                self._token = cached
                return cached, False
            token_request = self.build_token_request(cached)
            # A request without this extension has no timeout.
            token_request.extensions = {"timeout": request.extensions.get("timeout", {})}
            response = yield token_request
            if response is None:
                raise RuntimeError("A flow of httpx.Auth must be sent each response.")
            token = self._token = self.parse_token_response(response)
            self._cache.save(self._key, token)
            return token, True
        finally:
            if locked:
                self._cache.unlock(self._key)

    def _lock(self) -> Generator[float, None, bool]:
        """Wait for the lock; return whether it was acquired, false if it is held too long."""
        waited = 0.0
        while not self._cache.try_lock(self._key):
            if waited >= LOCK_SECONDS:
                return False
            waited += POLL_SECONDS
            yield POLL_SECONDS
        return True

    def _is_usable(self, token: CachedToken) -> bool:
        return token.access_token != self._rejected and self._clock() < token.renew_at


class ClientCredentials(TokenAuth):
    """Requests a token with a client's id and secret (RFC 6749 section 4.4).

    ``Client(url, auth=ClientCredentials("https://example.okta.com/oauth2/default", "id", "secret",
    scope="parts_manager"))``

    Args:
        issuer: With a trailing slash Auth0's token endpoint is used, otherwise Okta's.
        client_id: The client's id.
        client_secret: The client's secret.
        scope: Scopes to request, separated by blanks; empty requests none.
        audience: Sent to Auth0's token endpoint only; Okta's issuer implies its own.
        token_url: The token endpoint of another issuer, ``token_endpoint`` of its metadata.
        cache: Where tokens are kept; in memory by default.
        insecure: Whether secret and token may be sent over http to another machine.
        clock: Returns seconds since 1970.

    Raises:
        ConfigurationError: A value is missing, or a URL is malformed.
        InsecureError: The issuer is http on another machine.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        *,
        scope: str = "",
        audience: str = "",
        token_url: str = "",
        cache: TokenCache | None = None,
        insecure: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        for name, value in (("client_id", client_id), ("client_secret", client_secret)):
            if not value:
                raise ConfigurationError(f"{name} is empty.")
        for name, url in (("issuer", issuer), ("token_url", token_url)):
            if url or name == "issuer":
                validate_url(url, name, ConfigurationError)
                if not insecure:
                    require_https(url, "client secret")
        key = TokenKey(issuer, client_id, scope, audience)
        super().__init__(key, cache=cache, insecure=insecure, clock=clock)
        self._client_secret = client_secret
        self._token_url = token_url

    @classmethod
    def from_settings(
        cls,
        settings: ClientSettings,
        *,
        cache: TokenCache | None = None,
        insecure: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Return the authentication that settings describe."""
        return cls(
            settings.issuer,
            settings.client_id,
            settings.client_secret,
            scope=settings.scope,
            audience=settings.audience,
            cache=cache,
            insecure=insecure,
            clock=clock,
        )

    def __repr__(self) -> str:
        return f"ClientCredentials({self._key.issuer!r}, {self._key.client_id!r}, '***')"

    def redact(self, message: str) -> str:
        """Return a message without the secret and the token."""
        basic = basic_credentials(self._key.client_id, self._client_secret)
        return super().redact(hide_secrets(message, (self._client_secret, basic)))

    def build_token_request(self, cached: CachedToken | None) -> httpx.Request:
        """Return the request of a token; a cached one does not change it."""
        del cached
        key = self._key
        settings = ClientSettings(
            issuer=key.issuer,
            client_id=key.client_id,
            client_secret=self._client_secret,
            scope=key.scope,
            audience=key.audience,
        )
        return build_token_request(settings, self._token_url)

    def parse_token_response(self, response: httpx.Response) -> CachedToken:
        """Return the token of a response; errors do not repeat the secret."""
        try:
            return super().parse_token_response(response)
        except ClientError as error:
            raise type(error)(self.redact(str(error)), error.status, error.retry_after) from None


def can_be_repeated(request: httpx.Request) -> bool:
    """Return whether a request can be sent twice: its body is in memory, or its stream says so."""
    stream = request.stream
    return isinstance(stream, httpx.ByteStream) or getattr(stream, "can_be_repeated", False)


def _authorize(request: httpx.Request, token: str, *, insecure: bool) -> httpx.Request:
    if not insecure and not request.extensions.get(INSECURE):
        require_https(str(request.url), "token")
    request.headers["Authorization"] = f"Bearer {token}"
    return request
