"""Rate limits: invalid tokens are counted by network address, valid ones by client.

A token is verified before it is counted, so that a flood of invalid ones cannot lock out a valid
client at the same address: above the limit of an address only invalid tokens get 429. Above the
limit of a client all its requests get 429. Both have ``Retry-After``; every response to a client
has the fields ``RateLimit-Policy`` (quota and window) and ``RateLimit`` (remaining quota and
seconds) of draft-ietf-httpapi-ratelimit-headers.

The address is that of the log (``RequestState.remote_address``). Behind a proxy that is not in
TRUSTED_PROXIES all clients have the proxy's: invalid tokens are then counted together.
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
from encore.http.client_address import client_network
from encore.http.request_state import Header, RequestState

_KEY_CHARACTERS: Final = 256
"""Longer keys are hashed: ten thousand clients could have ids of 10 KB each."""


class RateLimit:
    """One rate and the counters of its keys.

    Args:
        name: The name of the policy in the header fields.
        rate: For example ``600/minute``.
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
            Whether it is within the rate, the seconds until the window ends, the header fields.
        """
        key = _short(key)
        within = self._limiter.hit(self._item, key)
        return self._outcome(key, within=within)

    def hit_all(self, key: str, requests: int) -> tuple[bool, int, tuple[Header, ...]]:
        """Count several requests if all are within the rate, otherwise none; see ``hit``."""
        key = _short(key)
        within = self._limiter.test(self._item, key, cost=requests)
        if within:
            self._limiter.hit(self._item, key, cost=requests)
        return self._outcome(key, within=within)

    def _outcome(self, key: str, *, within: bool) -> tuple[bool, int, tuple[Header, ...]]:
        end, remaining = self._limiter.get_window_stats(self._item, key)
        seconds = max(1, ceil(end - self._clock()))
        field = f'"{self._name}";r={remaining};t={seconds}'
        return within, seconds, (self._policy, (b"ratelimit", field.encode()))


def _short(key: str) -> str:
    return sha256(key.encode()).hexdigest() if len(key) > _KEY_CHARACTERS else key


class RateLimitMiddleware(BearerAuthMiddleware):
    """Bearer authentication with rate limits.

    Args:
        app: The next layer.
        verifier: Verifies tokens.
        resource_metadata: As for ``BearerAuthMiddleware``.
        hint: Likewise.
        clients: The rate of requests by client; empty for none.
        bad_tokens: The rate of invalid tokens by address; empty for none.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        app: ASGIApp,
        verifier: TokenVerifier,
        *,
        resource_metadata: str | None = None,
        hint: str | None = None,
        clients: str = "",
        bad_tokens: str = "",
        clock: Clock = time.time,
    ) -> None:
        super().__init__(app, verifier, resource_metadata=resource_metadata, hint=hint)
        self._clients = RateLimit("clients", clients, clock) if clients else None
        self._bad_tokens = RateLimit("bad-tokens", bad_tokens, clock) if bad_tokens else None

    async def _authorize(self, scope: Scope, state: RequestState) -> None:
        try:
            await super()._authorize(scope, state)
        except Forbidden:
            if state.claims:
                self._count_principal(state)
            else:  # Its token identifies no principal.
                self._count_invalid_token(state)
            raise
        except (Unauthorized, InvalidRequest) as error:
            if challenges.is_invalid_token(error):
                self._count_invalid_token(state)
            raise
        self._count_principal(state)

    def _count_principal(self, state: RequestState) -> None:
        if self._clients is None:
            return
        state.counter = self
        within, seconds, headers = self._clients.hit(_key_of(state))
        state.headers = (*state.headers, *headers)
        if not within:
            raise _too_many(challenges.TOO_MANY, seconds, "rate-limit-client")

    def count_more(self, state: RequestState, requests: int) -> None:
        """Count a request as several more, or as none if they exceed the rate.

        Raises:
            TooManyRequests: They exceed the rate.
        """
        if self._clients is None:
            return
        within, seconds, headers = self._clients.hit_all(_key_of(state), requests)
        names = {name for name, _ in headers}
        state.headers = (*(h for h in state.headers if h[0] not in names), *headers)
        if not within:
            raise _too_many(challenges.TOO_MANY, seconds, "rate-limit-client")

    def _count_invalid_token(self, state: RequestState) -> None:
        if self._bad_tokens is None:
            return
        within, seconds, headers = self._bad_tokens.hit(client_network(state.remote_address))
        if not within:
            state.headers = (*state.headers, *headers)
            message = challenges.TOO_MANY_INVALID
            raise _too_many(message, seconds, "rate-limit-bad-tokens") from None


def _key_of(state: RequestState) -> str:
    principal = state.principal
    return repr((principal.issuer, principal.subject))


def _too_many(message: str, seconds: int, reason: str) -> TooManyRequests:
    return TooManyRequests(message, headers={"Retry-After": str(seconds)}, reason=reason)
