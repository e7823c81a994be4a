"""The state of one request, shared by the middlewares and the operation.

The outermost middleware creates a ``RequestState`` and stores it in the ASGI scope; each layer
adds what it determines. The request log is written from it at the end.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.types import Message, Receive, Scope

from encore.http.access import AUTHENTICATED, Access
from encore.http.client_address import client_network
from encore.http.disconnect import DisconnectWatch

Header = tuple[bytes, bytes]
"""A name in lower case, and its value."""

_SCOPE_KEY: Final = "encore.request_state"


@dataclass(slots=True)
class RequestState:
    """One request and what became of it.

    Attributes:
        request_id: Shown in every problem body and every log line.
        access: What the operation asks of the token; set by routing.
        route: The path template, ``/parts/{id}``; None where no route matched.
        operation: What to run; set by routing.
        claims: The verified claims; empty on public routes. Whoever verifies the caller sets them:
            an operation that is not public is never run for a request without any.
        granted: The scopes of the verified token, so that an application mounted behind the gate
            can compare them; None where the gate does not say.
        client_id: Who called, from ``cid``, ``client_id`` or ``azp``.
        reason: The code of the refusal, for the log only.
        cause: What failed, in its own word (``encore.http.error_codes``), for the log only.
        measures: What the log says of a stream: its rows and bytes; None of any other answer.
        headers: What the answer carries besides its own headers, whichever layer gives it.
        peer: The address and port that the request came from; None where they are not known.
        channel: Where the server delivers the body, and whether the caller has left.
        answered: Whether the response has been sent.
        watch: Reads the channel, once somebody has asked whether the caller has left.
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
    peer: tuple[str, int] | None = None
    channel: Receive | None = None
    answered: bool = False
    watch: DisconnectWatch | None = None
    _client: str = ""

    @property
    def client(self) -> str:
        """Who calls, to share out fairly: issuer, client and subject; without a token the address.

        See ``encore.database.callers``.
        """
        if self._client:
            return self._client
        if not self.claims:
            return client_network(self.peer[0]) if self.peer else ""
        names = (self.claims.get("iss"), self.client_id, self.claims.get("sub"))
        self._client = repr(names)
        return self._client

    def receive(self) -> Awaitable[Message]:
        """Return the next message from the server; this is the application's ``receive``."""
        assert self.channel is not None  # noqa: S101 - who passes this on has set it
        return self.channel() if self.watch is None else self.watch.receive()

    async def left(self) -> None:
        """Return once the caller has left; never, where that cannot be known."""
        if self.channel is not None and not self.answered:
            if self.watch is None:
                self.watch = DisconnectWatch(self.channel)
            await self.watch.left()
        if self.answered or self.channel is None:  # Servers say so after each response.
            await asyncio.get_running_loop().create_future()

    @staticmethod
    def from_scope(scope: Scope) -> "RequestState":
        """Find the exchange that the outermost layer put into this scope."""
        try:
            state: RequestState = scope[_SCOPE_KEY]
        except KeyError:
            raise RuntimeError("this middleware needs a Service around it") from None
        return state

    @staticmethod
    def of_outer_app(scope: Scope) -> "RequestState | None":
        """Return the exchange of an application around this one; None where there is none."""
        return scope.get(_SCOPE_KEY)

    def inherit(self, outer: "RequestState") -> None:
        """Take over the caller that an outer application verified, and the request's id."""
        self.request_id = outer.request_id
        self.claims, self.granted = outer.claims, outer.granted
        self.client_id = outer.client_id

    def attach(self, scope: Scope) -> None:
        """Put this exchange into the scope."""
        scope[_SCOPE_KEY] = self
