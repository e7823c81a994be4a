"""The cache of the keys of one issuer, refreshed without making requests wait.

Owns the schedule: one fetch at a time for all requests; a refresh in the background after 80 % of
the lifetime; stale keys while the issuer is down; a fetch for an unknown kid, at most one in 12 s
whatever the kid. Forged kids can therefore exhaust neither the refreshes nor these fetches: each
one reads the whole set, so that a rotated key is found 12 s after a burst of them at the latest.
``jwks_client`` knows the URLs, ``jwks`` the usable keys.

Lifetime of a set of keys, in seconds since its fetch, by default::

    0 ....... 480 ............. 600 .................................. 87000
    fresh     refreshed in the  refreshed before the next token is     evicted
              background        verified; used while that fails
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Final

import structlog
from jose.backends.base import Key

from encore.auth import challenges
from encore.auth.document_fetcher import Fetch
from encore.auth.jwks import MAX_KEYS, KeySet, Kid, parse_key_set
from encore.auth.jwks_client import JWKSClient
from encore.auth.trusted_issuer import TrustedIssuer

Clock = Callable[[], float]
"""Returns seconds."""

_log: Final = structlog.get_logger("encore.auth")


@dataclass(frozen=True, slots=True)
class JWKSCachePolicy:
    """Lifetimes of keys and limits of fetching them; all times in seconds.

    Attributes:
        life_seconds: How long keys are valid without a refresh.
        renew_at: Share of their lifetime after which they are refreshed in the background.
        stale_seconds: How much longer they are used while the issuer is unavailable.
        wait_seconds: How long one request waits for keys.
        retry_seconds: First pause after a failed refresh; doubles with each failure.
        max_retry_seconds: Longest such pause.
        miss_interval_seconds: Time from one fetch for an unknown kid to the next one, for any kid.
    """

    life_seconds: float = 600
    renew_at: float = 0.8
    stale_seconds: float = 24 * 3600
    wait_seconds: float = 5
    retry_seconds: float = 0.5
    max_retry_seconds: float = 30
    miss_interval_seconds: float = 12


DEFAULT_POLICY: Final = JWKSCachePolicy()


class JWKSCache:
    """The keys of one issuer; for use within one event loop.

    Args:
        trusted: The issuer.
        fetch: Fetches documents.
        clock: Monotonic seconds.
        policy: Lifetimes and limits.
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
        """Incremented whenever the set of keys changes, but not when it is confirmed."""
        self.keys = KeySet()
        self._client = JWKSClient(trusted, fetch)
        self._clock = clock
        self._policy = policy
        self._fetch_task: asyncio.Task[None] | None = None
        self._due = -inf
        self._stale_from = -inf
        self._evict_at = -inf
        self._failures = 0
        self._next_miss_at = -inf

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The issuer's endpoints by their discovery document; empty before it was read."""
        return self._client.metadata

    def ready(self) -> bool:
        """Return whether the cached keys can be used now, without waiting.

        Costs one comparison, except for the call at which a refresh is due, which starts it.
        """
        now = self._clock()
        if now < self._due:
            return bool(self.keys.keys)
        if now >= self._evict_at and self.keys:
            self._set_keys(KeySet())
        # A failure counts for a while only: after an idle night keys are fetched first.
        down = self._failures and now < self._due + self._policy.max_retry_seconds
        if not self.keys or (now >= self._stale_from and not down):
            return False
        self._start_fetch(scheduled=True)
        return True

    async def ensure_keys(self) -> None:
        """Fetch keys if none can be used.

        Raises:
            ServiceUnavailable: No keys are cached, and the fetch failed.
        """
        if self.ready():
            return
        if self._clock() >= self._due:
            await self._wait_for_fetch(self._start_fetch(scheduled=True))
        self._require_keys()

    async def find(self, kid: Kid, algorithm: str) -> tuple[Key, ...]:
        """Return the keys that may have signed a token with this header; often none.

        Raises:
            ServiceUnavailable: As for ``ensure_keys``.
        """
        await self.ensure_keys()
        keys = self.keys.select(kid, algorithm)
        return keys or await self._fetch_for_miss(kid, algorithm)

    async def find_replacement(
        self, kid: Kid, algorithm: str, failed: tuple[Key, ...]
    ) -> tuple[Key, ...]:
        """Return the keys that have replaced those which failed to verify a token; often none.

        A key that a token names by its kid is not replaced. One that was chosen because it is the
        only one that fits may have been rotated: the token does not show that.

        Raises:
            ServiceUnavailable: As for ``ensure_keys``.
        """
        keys = await self._fetch_for_miss(kid, algorithm)
        return () if keys is failed else keys

    async def _fetch_for_miss(self, kid: Kid, algorithm: str) -> tuple[Key, ...]:
        """Fetch keys for a kid that no key has, if that is allowed now; select again."""
        if kid in self.keys.kids or not self._may_fetch_for_miss():
            return ()
        await self._wait_for_fetch(self._start_fetch(scheduled=False))
        self._require_keys()
        return self.keys.select(kid, algorithm)

    async def aclose(self) -> None:
        """Cancel a pending fetch."""
        if self._fetch_task is not None:
            self._fetch_task.cancel()
            await asyncio.wait({self._fetch_task})

    def _require_keys(self) -> None:
        if not self.keys:
            raise challenges.keys_unavailable(self._due - self._clock())

    def _may_fetch_for_miss(self) -> bool:
        """Return whether keys may be fetched now for an unknown kid; start the next interval."""
        if self._fetch_task is not None and not self._fetch_task.done():
            return True  # Waiting for a pending fetch costs the issuer nothing.
        now = self._clock()
        if now < self._next_miss_at:
            return False
        self._next_miss_at = now + self._policy.miss_interval_seconds
        return True

    def _start_fetch(self, *, scheduled: bool) -> asyncio.Task[None]:
        """Start a fetch, or return the pending one."""
        if self._fetch_task is None or self._fetch_task.done():
            self._fetch_task = asyncio.create_task(self._refresh(scheduled=scheduled))
        return self._fetch_task

    async def _wait_for_fetch(self, task: asyncio.Task[None]) -> None:
        """Wait for a fetch as long as a request may; cancelling either leaves the other."""
        await asyncio.wait({task}, timeout=self._policy.wait_seconds)

    async def _refresh(self, *, scheduled: bool) -> None:
        """Fetch once; never raises."""
        issuer = self.trusted.issuer
        try:
            document = await self._client.fetch_keys(rediscover=scheduled)
            keys = parse_key_set(
                document,
                self.trusted.algorithms,
                min_rsa_exponent=self.trusted.min_rsa_exponent,
            )
        except Exception as error:  # noqa: BLE001 - no response of an issuer may end requests
            name = type(error).__name__
            _log.warning("keys not fetched", issuer=issuer, error=name, detail=str(error))
            if scheduled:
                self._schedule_retry()
            return
        self._log_unused(keys)
        self._set_keys(keys)
        now, life = self._clock(), self._policy.life_seconds
        self._stale_from = now + life
        self._evict_at = now + life + self._policy.stale_seconds
        if not keys:
            # An empty key set is honoured, but refetched soon.
            _log.warning("no usable keys", issuer=issuer)
            self._schedule_retry()
        elif scheduled:
            # A fetch for an unknown kid keeps the schedule, which also repeats discovery.
            self._failures = 0
            self._due = now + life * self._policy.renew_at

    def _log_unused(self, keys: KeySet) -> None:
        """Log which keys of a fetched set are not used."""
        issuer = self.trusted.issuer
        if keys.published > MAX_KEYS:
            count = keys.published
            _log.warning("too many keys", issuer=issuer, published=count, used=MAX_KEYS)
        for kid, code in keys.skipped:
            _log.info("key skipped", issuer=issuer, kid=kid, reason=code)

    def _set_keys(self, keys: KeySet) -> None:
        if keys.fingerprints != self.keys.fingerprints:
            self.generation += 1
            self.keys = keys

    def _schedule_retry(self) -> None:
        """Retry after a pause that doubles with each failure."""
        pause = self._policy.retry_seconds * 2 ** min(self._failures, 30)
        self._failures += 1
        self._due = self._clock() + min(pause, self._policy.max_retry_seconds)
