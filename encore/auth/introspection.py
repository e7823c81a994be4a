"""Verification of opaque tokens by introspection (RFC 7662); JWTs go to another verifier.

Owns which tokens are introspected (all without the three segments of a JWT), the validation of
responses, and the rate of introspection: a positive response is cached for 30 s and never past
``exp``, a negative one for 5 s; there is one request at a time for a token; tokens that were never
valid share a budget, so that a flood of forged ones cannot block the valid ones. If the endpoint is
unavailable, the response is 503: an outdated positive response could undo a revocation.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from math import inf, isnan
from types import MappingProxyType
from typing import Any, Final

import structlog

from encore.auth import challenges
from encore.auth.access_token import AccessToken
from encore.auth.jwks_cache import Clock
from encore.auth.jwt_verifier import IsRevoked
from encore.auth.middleware import TokenVerifier
from encore.auth.principals import resolve_principal
from encore.auth.scopes import parse_scopes
from encore.auth.token_cache import TokenCache
from encore.auth.trusted_issuer import TrustedIssuer
from encore.errors import ApiError, Forbidden
from encore.http.principal import CLIENT_CLAIMS, PRINCIPAL_UNKNOWN, UNKNOWN

Introspect = Callable[[str], Awaitable[Mapping[str, Any]]]
"""Returns the endpoint's response about a token, or raises."""

MAX_TOKEN_CHARACTERS: Final = 4096

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
        revoked: IsRevoked | None = None,
        policy: IntrospectionPolicy | None = None,
        wall_clock: Clock = time.time,
        steady_clock: Clock = time.monotonic,
    ) -> None:
        self._jwts = jwts
        self._introspect = introspect
        self._trusted = trusted
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
        policy, now = self._policy, self._clock()
        try:
            token = validate_introspection(response, self._trusted)
        except ApiError as error:
            return _Result(None, error.reason, now + policy.inactive_seconds)
        lifetime = token.valid_until - self._now()
        return _Result(token, "", now + min(policy.active_seconds, lifetime))


def _error_of(reason: str) -> ApiError:
    """Return the error of a cached rejection."""
    if reason == PRINCIPAL_UNKNOWN:
        return Forbidden(UNKNOWN, reason=reason)
    return challenges.invalid_token(reason)


def validate_introspection(response: Mapping[str, Any], trusted: TrustedIssuer) -> AccessToken:
    """Validate a response (RFC 7662 2.2) like the claims of a JWT, as far as it has them.

    Args:
        response: The endpoint's response.
        trusted: Its audience must be in ``aud``: otherwise any token of the issuer would be valid
            (section 4). A missing ``iss`` is this issuer.

    Raises:
        Unauthorized: The token is inactive, or not for this audience, or a member is invalid.
        Forbidden: The token identifies neither a user nor a client.
    """
    if response.get("active") is not True:
        raise challenges.invalid_token("introspection-inactive")
    if str(response.get("token_type", "bearer")).lower() not in ("bearer", "access_token"):
        raise challenges.invalid_token("introspection-token-type")
    value = response.get("aud")
    audiences: list[Any] = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in audiences) or not (
        set(trusted.audiences).intersection(audiences)
    ):
        raise challenges.invalid_token("introspection-aud")
    names = [name for name in ("iss", "sub", "jti", *CLIENT_CLAIMS) if name in response]
    strings = {name: response[name] for name in names}
    if not all(isinstance(string, str) for string in strings.values()):
        raise challenges.invalid_token("introspection-ill-typed")
    issuer = strings.get("iss", trusted.issuer)
    return AccessToken(
        issuer=issuer,
        claims=MappingProxyType({**response, "iss": issuer}),
        principal=resolve_principal(strings, issuer, trusted.naming, trusted.client_mark),
        scopes=parse_scopes(response, ("scope",)),
        valid_from=_seconds(response, "nbf", -inf),
        valid_until=_seconds(response, "exp", inf),
    )


def _seconds(response: Mapping[str, Any], name: str, default: float) -> float:
    value = response.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or isnan(value):
        raise challenges.invalid_token("introspection-ill-typed")
    return value
