"""The keys of one issuer, kept fresh without making requests wait.

Owns the when: one fetch at a time whoever asks; a renewal in the background from 80 % of the keys'
life on; stale keys while the issuer is down; a second look for an unknown kid, on a budget of its
own so that forged kids can never spend what the renewals need. Where to look is ``discovery``'s,
what is a usable key ``jwks``'s.

Life of a set of keys, in seconds since it came, by default::

    0 ....... 480 ............. 600 .................................. 87000
    fresh     renewed in the    renewed before the next token is       forgotten
              background        judged; while that fails, still used
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from jose.backends.base import Key

from encore.auth import challenges
from encore.auth.document_fetcher import Fetch
from encore.auth.jwks import KeySet, parse_key_set
from encore.auth.jwks_client import JWKSClient
from encore.auth.trusted_issuer import TrustedIssuer

Clock = Callable[[], float]
"""Gives seconds."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JWKSCachePolicy:
    """How long keys serve and how often an issuer is asked; all times in seconds.

    Attributes:
        life_seconds: How long keys serve without being renewed.
        renew_at: Share of their life after which they are renewed in the background.
        stale_seconds: How much longer they serve while the issuer cannot be had.
        wait_seconds: How long one request waits for keys.
        retry_seconds: First pause after a failed renewal; doubles with each failure.
        max_retry_seconds: Longest such pause.
        miss_cooldown_seconds: Pause before the same unknown kid is looked for again.
        misses_per_minute: Looks for unknown kids in any 60 s.
    """

    life_seconds: float = 600
    renew_at: float = 0.8
    stale_seconds: float = 24 * 3600
    wait_seconds: float = 5
    retry_seconds: float = 0.5
    max_retry_seconds: float = 30
    miss_cooldown_seconds: float = 30
    misses_per_minute: int = 5


DEFAULT_POLICY = JWKSCachePolicy()
_MINUTE = 60


class JWKSCache:
    """The keys of one issuer; to be used within one event loop.

    Args:
        trusted: Whose keys.
        fetch: How to get a document.
        clock: Steady seconds.
        policy: Times and budgets.
    """

    def __init__(
        self,
        trusted: TrustedIssuer,
        fetch: Fetch,
        clock: Clock = time.monotonic,
        policy: JWKSCachePolicy = DEFAULT_POLICY,
    ) -> None:
        self.trusted = trusted
        self.generation = 0
        """Goes up whenever the set of keys changes, and not when it was merely confirmed."""
        self.keys = KeySet()
        self._source = JWKSClient(trusted, fetch)
        self._clock = clock
        self._policy = policy
        self._flight: asyncio.Task[None] | None = None
        self._due = -inf
        self._stale_from = -inf
        self._forget_at = -inf
        self._failures = 0
        self._misses: deque[tuple[float, str]] = deque()

    def ready(self) -> bool:
        """Tell whether the keys at hand may be used now, without waiting.

        Costs one comparison, but for the one call that finds a renewal due: that one starts it.
        """
        now = self._clock()
        if now < self._due:
            return bool(self.keys.keys)
        if now >= self._forget_at and self.keys:
            self._take(KeySet())
        # An outage is news for a while only: after an idle night the issuer is asked first again.
        down = self._failures and now < self._due + self._policy.max_retry_seconds
        if not self.keys or (now >= self._stale_from and not down):
            return False
        self._start_fetch(scheduled=True)
        return True

    async def ensure_keys(self) -> None:
        """See to it that there are keys.

        Raises:
            ServiceUnavailable: None can be had and none is cached.
        """
        if self.ready():
            return
        if self._clock() >= self._due:
            await self._wait_for_fetch(self._start_fetch(scheduled=True))
        self._demand_keys()

    async def find(self, kid: str, algorithm: str) -> tuple[Key, ...]:
        """Give the keys that may have signed a token with this header; often none.

        Raises:
            ServiceUnavailable: As ``ensure_keys``.
        """
        await self.ensure_keys()
        if kid not in self.keys.kids and self._may_look_for(kid):
            await self._wait_for_fetch(self._start_fetch(scheduled=False))
            self._demand_keys()
        return self.keys.select(kid, algorithm)

    async def aclose(self) -> None:
        """Give up a fetch under way."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait({self._flight})

    def _demand_keys(self) -> None:
        if not self.keys:
            raise challenges.keys_unavailable(self._due - self._clock())

    def _may_look_for(self, kid: str) -> bool:
        """Spend from the budget for unknown kids, if there is any left."""
        if self._flight is not None and not self._flight.done():
            return True  # Waiting for a fetch that is under way costs the issuer nothing.
        now, misses = self._clock(), self._misses
        while misses and now - misses[0][0] >= _MINUTE:
            misses.popleft()
        if len(misses) >= self._policy.misses_per_minute:
            return False
        if any(k == kid and now - t < self._policy.miss_cooldown_seconds for t, k in misses):
            return False
        misses.append((now, kid))
        return True

    def _start_fetch(self, *, scheduled: bool) -> asyncio.Task[None]:
        """Start a fetch, or join the one under way."""
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._renew(scheduled=scheduled))
        return self._flight

    async def _wait_for_fetch(self, flight: asyncio.Task[None]) -> None:
        """Wait for a fetch as long as a request may; neither leaving ends the other."""
        await asyncio.wait({flight}, timeout=self._policy.wait_seconds)

    async def _renew(self, *, scheduled: bool) -> None:
        """Fetch once; never raises."""
        try:
            document = await self._source.read(rediscover=scheduled)
            keys = parse_key_set(document, self.trusted.algorithms)
        except Exception as error:  # noqa: BLE001  whatever an issuer sends, requests go on
            _log.warning("keys of %s: %s %s", self.trusted.issuer, type(error).__name__, error)
            if scheduled:
                self._postpone()
            return
        for kid, code in keys.passed_over:
            _log.info("key %r of %s passed over: %s", kid, self.trusted.issuer, code)
        self._take(keys)
        now, life = self._clock(), self._policy.life_seconds
        self._stale_from = now + life
        self._forget_at = now + life + self._policy.stale_seconds
        if not keys:
            # Whoever withdraws all keys is believed, but asked again soon.
            _log.warning("keys of %s: none usable", self.trusted.issuer)
            self._postpone()
        elif scheduled:
            # Looks for unknown kids leave the schedule alone: it also asks discovery again.
            self._failures = 0
            self._due = now + life * self._policy.renew_at

    def _take(self, keys: KeySet) -> None:
        if keys.prints != self.keys.prints:
            self.generation += 1
            self.keys = keys

    def _postpone(self) -> None:
        """Try again after a pause that doubles with each failure."""
        pause = self._policy.retry_seconds * 2 ** min(self._failures, 30)
        self._failures += 1
        self._due = self._clock() + min(pause, self._policy.max_retry_seconds)
