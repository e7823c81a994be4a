"""Opaque tokens, judged by asking their issuer (RFC 7662); JWTs are judged here as ever.

Owns which credential is asked about (whatever has not the three segments of a JWT), what counts of
an answer, and how often is asked: an answer serves 30 s and never past ``exp``, a refusal 5 s; one
question at a time about one token; tokens never seen to be good share a budget, so that a flood of
invented ones cannot keep the good ones from being asked about. An endpoint that cannot be reached
is 503 and not believed to have said yes: a stale yes would undo a revocation.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import Any

from encore.auth import challenges
from encore.auth.access_token import AccessToken
from encore.auth.claims import CLIENT_CLAIMS
from encore.auth.jwks_cache import Clock
from encore.auth.jwt_verifier import IsRevoked
from encore.auth.middleware import TokenVerifier
from encore.auth.scopes import parse_scopes
from encore.auth.token_cache import TokenCache
from encore.errors import ApiError

Introspect = Callable[[str], Awaitable[Mapping[str, Any]]]
"""Gives the endpoint's answer about a token, or raises."""

MAX_TOKEN_CHARACTERS = 4096

_JWT_DOTS = 2
_MINUTE = 60
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IntrospectionPolicy:
    """How long answers serve and how often is asked; all times in seconds.

    Attributes:
        yes_seconds: How long a good answer serves.
        no_seconds: How long a refusal serves.
        pause_seconds: How long nothing is asked after the endpoint could not be had.
        wait_seconds: How long one request waits for an answer.
        unknown_per_minute: Questions about tokens never seen to be good, in any 60 s.
        at_once: Questions under way at one time.
        cache_size: Answers to remember.
    """

    yes_seconds: float = 30
    no_seconds: float = 5
    pause_seconds: float = 1
    wait_seconds: float = 6
    unknown_per_minute: int = 600
    at_once: int = 20
    cache_size: int = 4096


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was said of one token: a grant, or the reason code of its refusal."""

    grant: AccessToken | None
    reason: str
    fresh_until: float


class IntrospectionVerifier:
    """The judge of both kinds of tokens; to be used within one event loop.

    Args:
        jwts: Judges those that are JWTs.
        ask: The endpoint.
        audience: Must be in the answer's ``aud``.
        revoked: Asked for each opaque token that is otherwise good.
        policy: Times and budgets.
        wall_clock: Seconds since 1970.
        steady_clock: Seconds that never jump.
    """

    def __init__(
        self,
        jwts: TokenVerifier,
        ask: Introspect,
        *,
        audience: str,
        revoked: IsRevoked | None = None,
        policy: IntrospectionPolicy | None = None,
        wall_clock: Clock = time.time,
        steady_clock: Clock = time.monotonic,
    ) -> None:
        self._jwts = jwts
        self._ask = ask
        self._audience = audience
        self._revoked = revoked
        self._policy = policy or IntrospectionPolicy()
        self._now = wall_clock
        self._clock = steady_clock
        self._answers: TokenCache[_Answer] = TokenCache(self._policy.cache_size)
        self._flights: dict[bytes, asyncio.Task[None]] = {}
        self._unknown: deque[float] = deque()
        self._silent_until = -inf

    async def verify(self, credential: bytes) -> AccessToken:
        """Judge a credential.

        Raises:
            Unauthorized: It is refused.
            ServiceUnavailable: Whoever must be asked cannot be had.
        """
        if credential.count(b".") == _JWT_DOTS:
            return await self._jwts.verify(credential)
        if len(credential) > MAX_TOKEN_CHARACTERS:
            raise challenges.invalid_token("token-too-large")
        digest = TokenCache.digest(credential)
        answer = self._answers.get(digest)
        if answer is None or self._clock() >= answer.fresh_until:
            answer = await self._renewed(digest, credential.decode("ascii"), answer)
        if answer.grant is None:
            raise challenges.invalid_token(answer.reason)
        answer.grant.validate_time(self._now())
        if self._revoked is not None and self._revoked(answer.grant.claims):
            raise challenges.invalid_token("token-revoked")
        return answer.grant

    async def aclose(self) -> None:
        """Give up the questions under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        if flights:
            await asyncio.wait(flights)
        close = getattr(self._ask, "aclose", None)
        if close is not None:
            await close()

    async def _renewed(self, digest: bytes, token: str, last: _Answer | None) -> _Answer:
        flight = self._flights.get(digest)
        if flight is None:
            self._afford(known=last is not None and last.grant is not None)
            flight = asyncio.create_task(self._start_fetch(digest, token))
            self._flights[digest] = flight
        # Neither leaving ends the other.
        await asyncio.wait({flight}, timeout=self._policy.wait_seconds)
        answer = self._answers.get(digest)
        if answer is None or answer is last:
            raise challenges.introspection_unavailable(self._policy.pause_seconds)
        return answer

    def _afford(self, *, known: bool) -> None:
        """Refuse to ask more than is good for the endpoint."""
        now, policy, unknown = self._clock(), self._policy, self._unknown
        if now < self._silent_until:
            raise challenges.introspection_unavailable(self._silent_until - now)
        if len(self._flights) >= policy.at_once:
            raise challenges.introspection_unavailable(policy.pause_seconds)
        if known:
            return
        while unknown and now - unknown[0] >= _MINUTE:
            unknown.popleft()
        if len(unknown) >= policy.unknown_per_minute:
            raise challenges.introspection_unavailable(_MINUTE - (now - unknown[0]))
        unknown.append(now)

    async def _start_fetch(self, digest: bytes, token: str) -> None:
        """Ask once; never raises, and leaves the answer, if there is one, in the cache."""
        try:
            said = await self._ask(token)
        except Exception as error:  # noqa: BLE001  whatever the endpoint does, requests go on
            _log.warning("introspection: %s %s", type(error).__name__, error)
            self._silent_until = self._clock() + self._policy.pause_seconds
        else:
            self._keep(digest, self._judge(said))
        finally:
            del self._flights[digest]

    def _judge(self, said: Mapping[str, Any]) -> _Answer:
        """Make an answer of what the endpoint said."""
        policy, now = self._policy, self._clock()
        try:
            grant = validate_introspection(said, self._audience)
        except ApiError as refusal:
            return _Answer(None, refusal.reason, now + policy.no_seconds)
        left = grant.valid_until - self._now()
        return _Answer(grant, "", now + min(policy.yes_seconds, left))

    def _keep(self, digest: bytes, answer: _Answer) -> None:
        claims = {} if answer.grant is None else answer.grant.claims
        self._answers.put(digest, answer, claims)


def validate_introspection(said: Mapping[str, Any], audience: str) -> AccessToken:
    """Judge an answer (RFC 7662 2.2) as the claims of a JWT would be, as far as it goes.

    Args:
        said: The answer.
        audience: Must be in ``aud``: without it, any token of the issuer would do (section 4).

    Raises:
        Unauthorized: It does not say that this token is good here.
    """
    if said.get("active") is not True:
        raise challenges.invalid_token("introspection-inactive")
    if str(said.get("token_type", "bearer")).lower() not in ("bearer", "access_token"):
        raise challenges.invalid_token("introspection-token-type")
    value = said.get("aud")
    audiences: list[Any] = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in audiences) or audience not in audiences:
        raise challenges.invalid_token("introspection-aud")
    texts = {name: said[name] for name in ("iss", "sub", "jti", *CLIENT_CLAIMS) if name in said}
    if not all(isinstance(text, str) for text in texts.values()):
        raise challenges.invalid_token("introspection-ill-typed")
    return AccessToken(
        issuer=texts.get("iss", ""),
        audiences=frozenset(audiences),
        claims=MappingProxyType(dict(said)),
        client_id=next((texts[name] for name in CLIENT_CLAIMS if name in texts), None),
        scopes=parse_scopes(said, ("scope",)),
        valid_from=_seconds(said, "nbf", -inf),
        valid_until=_seconds(said, "exp", inf),
    )


def _seconds(said: Mapping[str, Any], name: str, absent: float) -> float:
    value = said.get(name, absent)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124  NaN
        raise challenges.invalid_token("introspection-ill-typed")
    return value
