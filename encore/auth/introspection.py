"""Verification of opaque tokens by introspection (RFC 7662); JWTs go to another verifier.

Owns which tokens are introspected (all without the three segments of a JWT), what of a response is
not validated as a claim (``claims``), and the rate of introspection: a positive response is cached
for 30 s and never past ``exp``, without ``exp`` not at all, a negative one for 5 s; there is one
request at a time for a token; tokens that were never valid share a budget, so that a flood of
forged ones cannot block the valid ones. If the endpoint is unavailable, the response is 503: an
outdated positive response could undo a revocation.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Final

import structlog

from encore.auth import challenges
from encore.auth.access_token import AccessToken
from encore.auth.claims import ClaimRules, validate_claims
from encore.auth.jwks_cache import Clock
from encore.auth.jwt_verifier import IsRevoked
from encore.auth.middleware import TokenVerifier
from encore.auth.token_cache import TokenCache
from encore.auth.trusted_issuer import TrustedIssuer
from encore.errors import ApiError, Forbidden
from encore.http.principal import PRINCIPAL_UNKNOWN, UNKNOWN

Introspect = Callable[[str], Awaitable[Mapping[str, Any]]]
"""Returns the endpoint's response about a token, or raises."""

MAX_TOKEN_CHARACTERS: Final = 4096

TOKEN_TYPES: Final = frozenset({"bearer", "access_token"})
"""``token_type`` of access tokens, in lower case: of RFC 6750, and as some vendors have it."""

_SCOPE: Final = ("scope",)
"""The member with scopes (RFC 7662 2.2), besides the scope claims of the issuer."""

_JWT_DOTS: Final = 2
_MINUTE: Final = 60
_log: Final = structlog.get_logger("encore.auth")


@dataclass(frozen=True, slots=True)
class IntrospectionPolicy:
    """Lifetimes of cached responses and limits of introspection; all times in seconds.

    Attributes:
        active_seconds: How long a positive response is cached.
        inactive_seconds: How long a negative response is cached.
        pause_seconds: Pause after the endpoint was unavailable.
        wait_seconds: How long one request waits for a response.
        unknown_per_minute: Introspections of tokens that were never valid, in any 60 s.
        max_concurrent: Concurrent introspections.
        cache_size: Maximum number of cached responses.
    """

    active_seconds: float = 30
    inactive_seconds: float = 5
    pause_seconds: float = 1
    wait_seconds: float = 6
    unknown_per_minute: int = 600
    max_concurrent: int = 20
    cache_size: int = 4096


@dataclass(frozen=True, slots=True)
class _Result:
    """The result for one token: the access token, or the reason code of its rejection."""

    token: AccessToken | None
    reason: str
    fresh_until: float


class IntrospectionVerifier:
    """Verifies JWTs and opaque tokens; for use within one event loop.

    Args:
        jwts: Verifies the tokens that are JWTs.
        introspect: Calls the endpoint.
        trusted: The issuer of the endpoint, and the requirements on its tokens.
        aud_optional: Whether responses may lack ``aud``.
        revoked: Called for each opaque token that is otherwise valid.
        policy: Lifetimes and limits.
        wall_clock: Seconds since 1970.
        steady_clock: Monotonic seconds.
    """

    def __init__(
        self,
        jwts: TokenVerifier,
        introspect: Introspect,
        *,
        trusted: TrustedIssuer,
        aud_optional: bool = False,
        revoked: IsRevoked | None = None,
        policy: IntrospectionPolicy | None = None,
        wall_clock: Clock = time.time,
        steady_clock: Clock = time.monotonic,
    ) -> None:
        self._jwts = jwts
        self._introspect = introspect
        self._trusted = trusted
        self._aud_optional = aud_optional
        self._revoked = revoked
        self._policy = policy or IntrospectionPolicy()
        self._now = wall_clock
        self._clock = steady_clock
        self._results: TokenCache[_Result] = TokenCache(self._policy.cache_size)
        self._pending: dict[bytes, asyncio.Task[None]] = {}
        self._unknown: deque[float] = deque()
        self._paused_until = -inf

    async def verify(self, credential: bytes) -> AccessToken:
        """Verify a token.

        Raises:
            Unauthorized: It is invalid.
            ServiceUnavailable: The issuer is unavailable.
        """
        if credential.count(b".") == _JWT_DOTS:
            return await self._jwts.verify(credential)
        if len(credential) > MAX_TOKEN_CHARACTERS:
            raise challenges.invalid_token("token-too-large")
        digest = TokenCache.digest(credential)
        result = self._results.get(digest)
        if result is None or self._clock() >= result.fresh_until:
            result = await self._refresh(digest, credential.decode("ascii"), result)
        token = result.token
        if token is None:
            raise _error_of(result.reason)
        token.validate_time(self._now())
        if self._revoked is not None and self._revoked(token.claims):
            raise challenges.invalid_token("token-revoked")
        return token

    async def aclose(self) -> None:
        """Cancel pending introspections and close the endpoint's connections."""
        pending = list(self._pending.values())
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending)
        close = getattr(self._introspect, "aclose", None)
        if close is not None:
            await close()

    async def _refresh(self, digest: bytes, token: str, last: _Result | None) -> _Result:
        task = self._pending.get(digest)
        if task is None:
            self._check_limits(known=last is not None and last.token is not None)
            task = asyncio.create_task(self._fetch(digest, token))
            self._pending[digest] = task
        # Cancelling the request does not cancel the task, nor the other way round.
        await asyncio.wait({task}, timeout=self._policy.wait_seconds)
        result = self._results.get(digest)
        if result is None or result is last:
            raise challenges.introspection_unavailable(self._policy.pause_seconds)
        return result

    def _check_limits(self, *, known: bool) -> None:
        """Protect the endpoint. Raises ``ServiceUnavailable``."""
        now, policy, unknown = self._clock(), self._policy, self._unknown
        if now < self._paused_until:
            raise challenges.introspection_unavailable(self._paused_until - now)
        if len(self._pending) >= policy.max_concurrent:
            raise challenges.introspection_unavailable(policy.pause_seconds)
        if known:
            return
        while unknown and now - unknown[0] >= _MINUTE:
            unknown.popleft()
        if len(unknown) >= policy.unknown_per_minute:
            raise challenges.introspection_unavailable(_MINUTE - (now - unknown[0]))
        unknown.append(now)

    async def _fetch(self, digest: bytes, token: str) -> None:
        """Introspect once and cache the result; never raises."""
        try:
            response = await self._introspect(token)
        except Exception as error:  # noqa: BLE001 - no failure of the endpoint may end requests
            _log.warning("introspection failed", error=type(error).__name__, detail=str(error))
            self._paused_until = self._clock() + self._policy.pause_seconds
        else:
            result = self._to_result(response)
            claims = {} if result.token is None else result.token.claims
            self._results.put(digest, result, claims)
        finally:
            del self._pending[digest]

    def _to_result(self, response: Mapping[str, Any]) -> _Result:
        policy, now, wall_now = self._policy, self._clock(), self._now()
        try:
            token = validate_introspection(
                response, self._trusted, wall_now, aud_optional=self._aud_optional
            )
        except ApiError as error:
            return _Result(None, error.reason, now + policy.inactive_seconds)
        if "exp" not in response:
            return _Result(token, "", now)  # For how long it is valid is unknown: ask each time.
        return _Result(token, "", now + min(policy.active_seconds, token.valid_until - wall_now))


def _error_of(reason: str) -> ApiError:
    """Return the error of a cached rejection."""
    if reason == PRINCIPAL_UNKNOWN:
        return Forbidden(UNKNOWN, reason=reason)
    if reason == "token-expired":
        return challenges.invalid_token(reason, challenges.EXPIRED)
    return challenges.invalid_token(reason)


def validate_introspection(
    response: Mapping[str, Any], trusted: TrustedIssuer, now: float, *, aud_optional: bool = False
) -> AccessToken:
    """Validate a response (RFC 7662 2.2): whatever it has is validated like a claim of a JWT.

    Args:
        response: The endpoint's response.
        trusted: The issuer of the endpoint: a missing ``iss`` is this issuer, another one is
            invalid.
        now: Seconds since 1970.
        aud_optional: Whether ``aud`` may be missing. If it is, any token of the issuer is valid
            here (section 4), whatever service it was issued for.

    Raises:
        Unauthorized: The token is inactive or expired, or not for this audience, or a member is
            invalid.
        Forbidden: The token identifies neither a user nor a client.
    """
    if response.get("active") is not True:
        raise challenges.invalid_token("introspection-inactive")
    type_ = response.get("token_type", "bearer")
    if not isinstance(type_, str) or type_.lower() not in TOKEN_TYPES:
        raise challenges.invalid_token("introspection-token-type")
    rules = ClaimRules(
        exp_optional=True, aud_optional=aud_optional, more_scope_claims=scope_members(trusted)
    )
    return validate_claims({"iss": trusted.issuer, **response}, trusted, now, rules)


def scope_members(trusted: TrustedIssuer) -> tuple[str, ...]:
    """Return the members of a response that have scopes, besides the scope claims of the issuer.

    There is none if the issuer has no scope claims: scopes are then granted by settings only.
    """
    return _SCOPE if trusted.scope_claims else ()
