"""The gate with rate limits: refused tokens are counted by address, good ones by client.

A token is judged before anything is counted, so that no flood of bad ones locks out a good client
behind the same address; once an address has sent too many, its bad tokens are answered 429 and its
good ones as ever. Who has used up a client's rate gets 429 whatever the operation. Both carry
``Retry-After``, and every answer to a client the IETF draft's ``RateLimit-Policy`` and
``RateLimit`` fields (draft-ietf-httpapi-ratelimit-headers): quota and window, rest and seconds.

Behind a proxy all addresses are the proxy's: then bad tokens are counted together.
"""

import time
from hashlib import sha256
from math import ceil
from typing import Final

from limits import parse
from limits.strategies import FixedWindowRateLimiter
from starlette.types import ASGIApp, Scope

from encore.auth import challenges
from encore.auth.fixed_window_storage import FixedWindowStorage
from encore.auth.jwks_cache import Clock
from encore.auth.middleware import BearerAuthMiddleware, TokenVerifier
from encore.errors import Forbidden, InvalidRequest, TooManyRequests, Unauthorized
from encore.http.client_address import client_address
from encore.http.request_state import Header, RequestState

_KEY_CHARACTERS: Final = 256
"""Longer keys are counted by their hash: ten thousand clients may have names of 10 KB each."""


class RateLimit:
    """One rate and the counters of all that it is applied to.

    Args:
        name: The policy's name in the header fields.
        rate: Such as ``600/minute``.
        clock: Seconds since 1970.
    """

    def __init__(self, name: str, rate: str, clock: Clock = time.time) -> None:
        self._item = parse(rate)
        self._limiter = FixedWindowRateLimiter(FixedWindowStorage(clock))
        self._clock = clock
        self._name = name
        policy = f'"{name}";q={self._item.amount};w={self._item.get_expiry()}'
        self._policy: Header = (b"ratelimit-policy", policy.encode())

    def hit(self, key: str) -> tuple[bool, int, tuple[Header, ...]]:
        """Count one request.

        Returns:
            Whether it is within the rate, seconds to the window's end, and the header fields.
        """
        if len(key) > _KEY_CHARACTERS:
            key = sha256(key.encode()).hexdigest()
        within = self._limiter.hit(self._item, key)
        end, rest = self._limiter.get_window_stats(self._item, key)
        seconds = max(1, ceil(end - self._clock()))
        state = f'"{self._name}";r={rest};t={seconds}'
        return within, seconds, (self._policy, (b"ratelimit", state.encode()))


class RateLimitMiddleware(BearerAuthMiddleware):
    """A gate that counts.

    Args:
        app: What is behind the gate.
        verifier: The judge of tokens.
        resource_metadata: As for ``BearerAuthMiddleware``.
        clients: The rate of good tokens by client; empty for none.
        bad_tokens: The rate of refused tokens by address; empty for none.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        app: ASGIApp,
        verifier: TokenVerifier,
        *,
        resource_metadata: str | None = None,
        clients: str = "",
        bad_tokens: str = "",
        clock: Clock = time.time,
    ) -> None:
        super().__init__(app, verifier, resource_metadata=resource_metadata)
        self._clients = RateLimit("clients", clients, clock) if clients else None
        self._bad_tokens = RateLimit("bad-tokens", bad_tokens, clock) if bad_tokens else None

    async def _admit(self, scope: Scope, state: RequestState) -> None:
        try:
            await super()._admit(scope, state)
        except Forbidden:
            self._count_client(state)
            raise
        except (Unauthorized, InvalidRequest) as refusal:
            if challenges.is_bad_token(refusal):
                self._count_bad_token(scope, state)
            raise
        self._count_client(state)

    def _count_client(self, state: RequestState) -> None:
        if self._clients is None:
            return
        claims = state.claims
        who = state.client_id or claims.get("sub") or ""
        within, seconds, headers = self._clients.hit(f"{claims.get('iss')} {who}")
        state.headers = (*state.headers, *headers)
        if not within:
            raise _too_many(challenges.TOO_MANY, seconds, "rate-limit-client")

    def _count_bad_token(self, scope: Scope, state: RequestState) -> None:
        if self._bad_tokens is None:
            return
        within, seconds, headers = self._bad_tokens.hit(client_address(scope))
        if not within:
            state.headers = (*state.headers, *headers)
            raise _too_many(challenges.TOO_MANY_BAD, seconds, "rate-limit-bad-tokens") from None


def _too_many(message: str, seconds: int, reason: str) -> TooManyRequests:
    return TooManyRequests(message, headers={"Retry-After": str(seconds)}, reason=reason)
