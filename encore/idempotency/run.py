"""One run of a request with an idempotency key: from its body to its stored response.

The order: the body is digested while it is received; twins wait (``begin``); the key is claimed as
the first statement of the transaction; the work; the response is stored in the transaction
(``finish``); the commit; twins go on (``close``)::

    run = IdempotentRun.of(keys, scope)
    if run is not None:
        receive = run.digesting(receive)

A key that has a response ends the run with ``Replayed``, wherever the transaction begins.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from starlette.types import Message, Receive, Scope

from encore.database.protocol import Connection
from encore.errors import ApiError, IdempotencyKeyInUse
from encore.idempotency.fingerprint import (
    IdempotentRequest,
    begin_fingerprint,
    owner_of,
    reused,
)
from encore.idempotency.in_progress import Finished
from encore.idempotency.key import find_key
from encore.idempotency.response import StoredResponse
from encore.idempotency.store import IdempotencyKeys

_OK: Final = range(200, 300)


class Unit(Protocol):
    """What a run needs of a unit of work (``encore.execution.unit_of_work``)."""

    def at_begin(self, work: Callable[[Connection], Awaitable[None]]) -> None:
        """Register work to run before anything else in the transaction."""
        ...

    async def connection(self) -> Connection:
        """Return the connection of the transaction, which this begins if necessary."""
        ...


class Replayed(Exception):
    """The request was carried out before.

    Attributes:
        response: Its response.
    """

    def __init__(self, response: StoredResponse) -> None:
        super().__init__("replayed")
        self.response = response


class IdempotentRun:
    """One request with an idempotency key.

    Args:
        keys: The stored responses.
        scope: The request.
        key: Its key.

    Attributes:
        outcome: What ended the run at its claim: the replay, or an error; None otherwise. It counts
            even if a hook has caught it.
    """

    __slots__ = (
        "_fingerprint",
        "_finished",
        "_is_claimed",
        "_is_committed",
        "_key",
        "_keys",
        "_leads",
        "_request",
        "_scope",
        "outcome",
    )

    def __init__(self, keys: IdempotencyKeys, scope: Scope, key: str) -> None:
        self.outcome: Replayed | ApiError | None = None
        self._keys = keys
        self._scope = scope
        self._key = key
        self._fingerprint = begin_fingerprint(scope)
        self._request: IdempotentRequest | None = None
        self._finished: Finished | None = None
        self._leads = False
        self._is_claimed = False
        self._is_committed = False

    @classmethod
    def of(cls, keys: IdempotencyKeys, scope: Scope) -> "IdempotentRun | None":
        """Return the run of a request; None without a key. Raises ``BadRequest``."""
        key = find_key(scope)
        return None if key is None else cls(keys, scope, key)

    @property
    def replay(self) -> StoredResponse | None:
        """The response of an earlier run; None if there is none."""
        return self.outcome.response if isinstance(self.outcome, Replayed) else None

    def digesting(self, receive: Receive) -> Receive:
        """Return a channel that digests the body that is received through it."""
        update = self._fingerprint.update

        async def receive_and_digest() -> Message:
            message = await receive()
            update(message.get("body", b""))
            return message

        return receive_and_digest

    def begin_nowait(self, unit: Unit) -> bool:
        """Have the unit claim the key when it begins; return whether no twin is in progress.

        Called when the body has been received, and before anything else runs. If there is a twin,
        ``begin`` must be called to wait for it.

        Raises:
            BadRequest: The key is too short where callers are not told apart.
        """
        owner = owner_of(self._scope, self._key)
        self._request = IdempotentRequest(owner, self._key, self._fingerprint.hexdigest())
        unit.at_begin(self._claim)
        self._leads = self._keys.in_progress.enter_nowait((owner, self._key))
        return self._leads

    async def begin(self, unit: Unit) -> None:
        """As ``begin_nowait``, and wait for the twin.

        Raises:
            IdempotencyKeyInUse: The twin took too long.
        """
        if not self.begin_nowait(unit):
            await self.wait_for_twin()

    async def wait_for_twin(self) -> None:
        """Wait for the twin in this process. Raises ``IdempotencyKeyInUse``."""
        request = self._begun()
        self._finished = await self._keys.in_progress.enter((request.owner, request.key))
        self._leads = self._finished is None

    async def claim(self, unit: Unit) -> None:
        """Claim the key now, unless the transaction has begun.

        Raises:
            Replayed: The request was carried out before.
            IdempotencyKeyReused: The key was used for another request.
            IdempotencyKeyInUse: A twin in another process took too long.
        """
        self.check_twin()
        await unit.connection()

    def check_twin(self) -> None:
        """End the run if the twin that it has waited for was committed: it needs no transaction.

        Raises:
            Replayed: The twin was the same request.
            IdempotencyKeyReused: It was another one.
        """
        if self._finished is not None:
            self._raise_finished(self._finished)

    async def confirm(self, connection: Connection) -> None:
        """Check in another transaction that the response is stored.

        Raises:
            IdempotencyKeyInUse: It is not any more: its transaction was rolled back.
        """
        if await self._keys.find(connection, self._begun()) is None:
            raise IdempotencyKeyInUse

    async def finish(self, unit: Unit, response: StoredResponse) -> None:
        """Store the response in the transaction, if it is a success; else remove the claim.

        Raises:
            Replayed, ApiError: The claim had raised it, and a hook has caught it.
            BadRequest: The response is too large.
        """
        if response.status in _OK:
            connection = await unit.connection()
        if self.outcome is not None:
            raise self.outcome
        request = self._begun()
        if response.status in _OK:
            await self._keys.store(connection, request, response)
            self._finished = Finished(request.fingerprint, response)
        elif self._is_claimed:
            await self._keys.release(await unit.connection(), request)

    def committed(self) -> None:
        """Note that the transaction is committed, so that twins get the response."""
        self._is_committed = True

    def close(self) -> None:
        """End the run: twins get its response, or try themselves."""
        if self._request is None or not self._leads:
            return
        finished = self._finished if self._is_committed else None
        if (replay := self.replay) is not None:
            finished = Finished(self._request.fingerprint, replay)
        self._keys.in_progress.leave((self._request.owner, self._request.key), finished)

    async def _claim(self, connection: Connection) -> None:
        self.check_twin()
        try:
            stored = await self._keys.claim(connection, self._begun())
        except ApiError as error:
            self.outcome = error
            raise
        if stored is not None:
            self.outcome = Replayed(stored)
            raise self.outcome
        self._is_claimed = True

    def _begun(self) -> IdempotentRequest:
        if self._request is None:
            raise RuntimeError("the run has not begun")
        return self._request

    def _raise_finished(self, finished: Finished) -> None:
        """End the run as that of a twin which was committed."""
        is_same = finished.fingerprint == self._begun().fingerprint
        self.outcome = Replayed(finished.response) if is_same else reused()
        raise self.outcome
