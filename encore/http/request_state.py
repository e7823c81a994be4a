"""The state of one request, shared by the middlewares and the operation.

The outermost middleware creates a ``RequestState`` and stores it in the ASGI scope; each layer
adds what it determines. The request log is written from it at the end.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from starlette.types import Message, Receive, Scope

from encore.database.callers import Author
from encore.database.cancellation import Abandoned, cancel_when
from encore.errors import ClientClosedRequest, Forbidden
from encore.http.access import AUTHENTICATED, Access
from encore.http.client_address import client_network
from encore.http.disconnect import DisconnectWatch
from encore.http.principal import Principal, principal_of

Header = tuple[bytes, bytes]
"""A name in lower case, and its value."""

T = TypeVar("T")

_SCOPE_KEY: Final = "encore.request_state"


class RequestCounter(Protocol):
    """Counts the requests of callers, and limits their rate."""

    def count_more(self, state: "RequestState", requests: int) -> None:
        """Count further requests of a caller. Raises ``TooManyRequests``."""
        ...


@dataclass(slots=True)
class RequestState:
    """One request and the results of its layers.

    Attributes:
        request_id: Part of every problem body and every log line.
        access: The access that the operation declares; set by routing.
        route: The path template, ``/parts/{id}``; None if no route matched.
        operation: The ASGI application to run, or the ``ApiError`` to raise; set by routing.
        claims: The verified claims; empty on public routes. Set by the authenticating middleware:
            an operation that is not public never runs without claims.
        granted: The scopes of the verified token, so that an application mounted behind the
            middleware can compare them; None if the middleware does not set them.
        client_id: The client, from ``cid``, ``client_id``, ``azp`` or ``appid``.
        reason: The reason code of the error, for the log only.
        cause: The code of the failure (``encore.http.error_codes``), for the log only.
        measures: Rows and bytes of a stream, or the operations of a batch, for the log; None for
            other responses.
        headers: Headers to add to the response, from any layer.
        remote_address: The client's IP address (``encore.http.forwarded``); empty if unknown.
        channel: The ASGI channel of the body and of ``http.disconnect``.
        answered: Whether the response has been sent.
        reading: What the application has read from the channel last, or is still waiting for.
        watch: Reads the channel ahead, once ``left`` was called.
        counter: Counts the requests of this caller; None if their rate is not limited.
    """

    request_id: str
    access: Access = AUTHENTICATED
    route: str | None = None
    operation: Any = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    granted: frozenset[str] | None = None
    client_id: str | None = None
    reason: str | None = None
    cause: str | None = None
    measures: dict[str, int] | None = None
    headers: tuple[Header, ...] = ()
    remote_address: str = ""
    channel: Receive | None = None
    answered: bool = False
    reading: Awaitable[Message] | None = None
    watch: DisconnectWatch | None = None
    counter: RequestCounter | None = None
    _principal: Principal | None = None
    _client: str = ""

    @property
    def principal(self) -> Principal:
        """The user or the client that calls.

        Raises:
            Forbidden: The claims identify neither.
        """
        if self._principal is None:
            self._principal = principal_of(self.claims, self.client_id)
        return self._principal

    @property
    def caller(self) -> Principal | None:
        """The principal, for the log; None without one."""
        if self._principal is None and self.claims:
            with suppress(Forbidden):
                return self.principal
        return self._principal

    def set_caller(
        self, principal: Principal, claims: Mapping[str, Any], granted: frozenset[str]
    ) -> None:
        """Store the caller that an authenticating middleware has verified."""
        self._principal, self.client_id = principal, principal.client_id
        self.claims, self.granted = claims, granted

    def forget_caller(self) -> None:
        """Remove the caller, as in a request to a public route, whose token is not verified."""
        self._principal, self.client_id, self.granted = None, None, None
        self.claims = {}

    @property
    def client(self) -> str:
        """The key of the caller for fair scheduling (``encore.database.callers``).

        Issuer, client and subject of the token; the network address without a token.
        """
        if self._client:
            return self._client
        if not self.claims:
            return client_network(self.remote_address) if self.remote_address else ""
        names = (self.claims.get("iss"), self.client_id, self.claims.get("sub"))
        self._client = repr(names)
        return self._client

    @property
    def author(self) -> Author:
        """Who changes rows, as histories record it."""
        caller = self.caller
        if caller is None:
            return Author(None, None, self.client_id, self.request_id)
        return Author(caller.issuer or None, caller.subject, caller.client_id, self.request_id)

    def count_more(self, requests: int) -> None:
        """Count a request as several more, before it is handled. Raises ``TooManyRequests``."""
        if self.counter is not None and requests:
            self.counter.count_more(self, requests)

    def receive(self) -> Awaitable[Message]:
        """Return the next message from the server; this is the application's ``receive``.

        Raises:
            RuntimeError: The request has no channel.
        """
        if self.watch is not None:
            return self.watch.receive()
        if self.channel is None:
            raise RuntimeError("this request has no channel to receive from")
        self.reading = self.channel()
        return self.reading

    async def left(self) -> None:
        """Return once the client has disconnected; never, if that cannot be detected."""
        if self.channel is not None and not self.answered:
            if self.watch is None:
                self.watch = DisconnectWatch(self.channel, self.reading)
            await self.watch.disconnected()
        # Servers also send http.disconnect after each complete response.
        if self.answered or self.channel is None:
            await asyncio.get_running_loop().create_future()

    def close(self) -> None:
        """Stop reading the channel, at the end of the request.

        granian closes a connection whose body was not read only once no read of it is kept, and the
        state outlives the request: tasks that it has started have it in their context.
        """
        self.reading = None
        if self.watch is not None:
            self.watch.close()

    async def while_connected(
        self, work: Coroutine[Any, Any, T], interrupt: Callable[[], None]
    ) -> T:
        """Return the result of the work; cancel it once the client has disconnected.

        Args:
            work: The work to do; the body has been read.
            interrupt: Called before the work is cancelled, to end a thread that it waits for.

        Raises:
            ClientClosedRequest: The client has disconnected and the work has ended.
        """
        try:
            return await cancel_when(self.left(), work, interrupt)
        except Abandoned:
            raise ClientClosedRequest from None

    @staticmethod
    def from_scope(scope: Scope) -> "RequestState":
        """Return the state that the outermost middleware stored in this scope."""
        try:
            state: RequestState = scope[_SCOPE_KEY]
        except KeyError:
            raise RuntimeError("this middleware must be inside an encore Application") from None
        return state

    @staticmethod
    def of_outer_app(scope: Scope) -> "RequestState | None":
        """Return the state stored by an outer application; None without one."""
        return scope.get(_SCOPE_KEY)

    def inherit(self, outer: "RequestState") -> None:
        """Copy the verified caller, its address and the request id of an outer application."""
        self.request_id, self.remote_address = outer.request_id, outer.remote_address
        self.claims, self.granted = outer.claims, outer.granted
        self.client_id = outer.client_id
        self.counter = outer.counter
        if outer.claims:
            self._principal = outer.principal

    def attach(self, scope: Scope) -> None:
        """Store this state in the scope."""
        scope[_SCOPE_KEY] = self
