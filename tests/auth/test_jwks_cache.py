"""The JWKS cache: when keys are fetched, and what happens when the issuer fails."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import structlog

from encore.auth import JWKSCachePolicy, TrustedIssuer
from encore.auth.jwks import MAX_KEYS
from encore.auth.jwks_cache import JWKSCache
from encore.errors import ServiceUnavailable
from tests.fixtures.tokens import ManualClock

pytestmark = pytest.mark.anyio

HOUR = 3600


@pytest.fixture
def cache(trusted: TrustedIssuer, fake_issuer: Any, steady_clock: Any) -> JWKSCache:
    return JWKSCache(trusted, fake_issuer, steady_clock)


@dataclass
class Rotation:
    """A cache whose issuer is about to publish its next key."""

    cache: JWKSCache
    clock: ManualClock
    publish_next_key: Callable[[], None]


@pytest.fixture
def rotation(
    cache: JWKSCache, fake_issuer: Any, steady_clock: Any, signer: Any, next_signer: Any
) -> Rotation:
    return Rotation(cache, steady_clock, lambda: fake_issuer.serve(signer.jwk, next_signer.jwk))


async def _settle(cache: JWKSCache) -> None:
    if cache._fetch_task is not None:
        await asyncio.wait({cache._fetch_task})


async def test_concurrent_requests_share_one_fetch(cache: JWKSCache, fake_issuer: Any) -> None:
    results = await asyncio.gather(*(cache.find("key-1", "RS256") for _ in range(50)))
    assert all(len(keys) == 1 for keys in results)
    assert len(fake_issuer.requested) == 2  # discovery and the keys


async def test_cancelled_request_does_not_cancel_the_shared_fetch(
    cache: JWKSCache, fake_issuer: Any
) -> None:
    cancelled = asyncio.create_task(cache.ensure_keys())
    waiting = asyncio.create_task(cache.ensure_keys())
    await asyncio.sleep(0)
    cancelled.cancel()
    await waiting
    assert cache.keys
    assert len(fake_issuer.requested) == 2


async def test_keys_are_refreshed_in_the_background_at_80_percent_of_their_lifetime(
    cache: JWKSCache, fake_issuer: Any, steady_clock: Any
) -> None:
    await cache.ensure_keys()
    steady_clock.now = 479
    assert cache.ready()
    assert len(fake_issuer.requested) == 2
    steady_clock.now = 480
    assert cache.ready()
    assert len(fake_issuer.requested) == 2  # started, not waited for
    await _settle(cache)
    assert len(fake_issuer.requested) == 4
    steady_clock.now = 480 + 479
    assert cache.ready()
    assert len(fake_issuer.requested) == 4


async def test_expired_keys_are_refreshed_before_use(
    cache: JWKSCache, fake_issuer: Any, steady_clock: Any, next_signer: Any
) -> None:
    await cache.ensure_keys()
    fake_issuer.serve(next_signer.jwk)
    steady_clock.now = 600
    assert not cache.ready()
    assert not await cache.find("key-1", "RS256")
    assert await cache.find("key-2", "RS256")


async def test_stale_keys_are_used_for_a_day_while_the_issuer_is_down(
    cache: JWKSCache, fake_issuer: Any, steady_clock: Any
) -> None:
    await cache.ensure_keys()
    fake_issuer.documents.clear()
    for now in (480, HOUR, 12 * HOUR, 24 * HOUR + 599):
        steady_clock.now = now
        assert await cache.find("key-1", "RS256")
        assert cache.ready()
        await _settle(cache)
    steady_clock.now = 24 * HOUR + 630
    with pytest.raises(ServiceUnavailable):
        await cache.find("key-1", "RS256")


async def test_first_fetch_after_an_outage_restores_the_refresh_schedule(
    cache: JWKSCache, fake_issuer: Any, steady_clock: Any, signer: Any
) -> None:
    await cache.ensure_keys()
    fake_issuer.documents.clear()
    steady_clock.now = HOUR
    await cache.ensure_keys()
    fake_issuer.serve(signer.jwk)
    steady_clock.now = HOUR + 1
    assert cache.ready()
    await _settle(cache)
    requested = len(fake_issuer.requested)
    steady_clock.now = HOUR + 480
    assert cache.ready()
    assert len(fake_issuer.requested) == requested


async def test_requests_do_not_wait_for_an_issuer_that_has_just_failed(
    cache: JWKSCache, fake_issuer: Any, steady_clock: Any
) -> None:
    await cache.ensure_keys()
    fake_issuer.documents.clear()
    steady_clock.now = 600
    await cache.ensure_keys()
    for _ in range(20):
        steady_clock.now += 20
        assert cache.ready()
        await _settle(cache)


async def test_keys_are_refreshed_before_use_after_an_outage_and_a_long_idle_time(
    cache: JWKSCache, fake_issuer: Any, steady_clock: Any, next_signer: Any
) -> None:
    await cache.ensure_keys()
    fake_issuer.documents.clear()
    steady_clock.now = 600
    await cache.ensure_keys()
    fake_issuer.serve(next_signer.jwk)
    steady_clock.now = 8 * HOUR
    assert not cache.ready()
    assert not await cache.find("key-1", "RS256")


async def test_empty_cache_retries_with_exponential_backoff(
    cache: JWKSCache, fake_issuer: Any, steady_clock: Any
) -> None:
    fake_issuer.documents.clear()
    pauses = []
    for _ in range(9):
        with pytest.raises(ServiceUnavailable) as raised:
            await cache.ensure_keys()
        requested = len(fake_issuer.requested)
        with pytest.raises(ServiceUnavailable):
            await cache.ensure_keys()
        assert len(fake_issuer.requested) == requested  # no fetch within the pause
        pauses.append(int(raised.value.headers["Retry-After"]))
        steady_clock.now += pauses[-1]
    assert pauses == [1, 1, 2, 4, 8, 16, 30, 30, 30]


async def test_rotated_key_is_found_without_restart(
    cache: JWKSCache, fake_issuer: Any, signer: Any, next_signer: Any
) -> None:
    await cache.ensure_keys()
    generation = cache.generation
    fake_issuer.serve(signer.jwk, next_signer.jwk)
    assert await cache.find("key-2", "RS256")
    assert cache.generation == generation + 1
    assert len(fake_issuer.requested) == 3  # the second fetch skips discovery


async def test_unknown_kids_trigger_at_most_one_fetch_in_12_seconds(
    cache: JWKSCache, fake_issuer: Any, steady_clock: Any
) -> None:
    await cache.ensure_keys()
    for number in range(1200):
        steady_clock.now = number * 0.05
        assert not await cache.find(f"forged-{number}", "RS256")
        assert await cache.find("key-1", "RS256")
    assert len(fake_issuer.requested) == 2 + 5


@pytest.mark.parametrize("forged_per_second", [0, 1, 50])
@pytest.mark.parametrize("burst", [1, 5, 1000])
@pytest.mark.parametrize("rotated_at", [0, 0.5, 11.9, 12, 30])
async def test_rotated_key_is_found_within_30_seconds_of_a_burst_of_forged_kids(
    rotation: Rotation, forged_per_second: int, burst: int, rotated_at: float
) -> None:
    cache, clock = rotation.cache, rotation.clock
    await cache.ensure_keys()
    for number in range(burst):
        await cache.find(f"burst-{number}", "RS256")
    forged = 0
    for tenth in range(700):  # Tokens of the new key are sent all the time, and forged ones too.
        clock.now = tenth / 10
        if clock.now >= rotated_at:
            rotation.publish_next_key()
        while forged < clock.now * forged_per_second:
            forged += 1
            await cache.find(f"forged-{forged}", "RS256")
        if await cache.find("key-2", "RS256"):
            break
    assert clock.now - rotated_at <= 12


async def test_rotated_key_is_found_within_30_seconds_of_one_failed_fetch(
    cache: JWKSCache, fake_issuer: Any, steady_clock: Any, signer: Any, next_signer: Any
) -> None:
    await cache.ensure_keys()
    fake_issuer.documents.clear()
    await cache.find("forged", "RS256")
    steady_clock.now = 12
    await cache.find("key-2", "RS256")
    fake_issuer.serve(signer.jwk, next_signer.jwk)
    steady_clock.now = 24
    assert await cache.find("key-2", "RS256")


async def test_unknown_kids_do_not_use_up_scheduled_refreshes(
    cache: JWKSCache, fake_issuer: Any, steady_clock: Any, signer: Any, next_signer: Any
) -> None:
    await cache.ensure_keys()
    steady_clock.now = 479
    for number in range(100):
        await cache.find(f"forged-{number}", "RS256")
    fake_issuer.serve(signer.jwk, next_signer.jwk)
    steady_clock.now = 480
    assert cache.ready()
    await _settle(cache)
    assert await cache.find("key-2", "RS256")


async def test_same_unknown_kid_triggers_one_fetch_in_12_seconds(
    cache: JWKSCache, fake_issuer: Any, steady_clock: Any
) -> None:
    await cache.ensure_keys()
    for now, requested in [(0, 3), (1, 3), (11.9, 3), (12, 4), (13, 4)]:
        steady_clock.now = now
        assert not await cache.find("gone", "RS256")
        assert len(fake_issuer.requested) == requested


async def test_unknown_kid_while_the_issuer_is_down_keeps_known_keys(
    cache: JWKSCache, fake_issuer: Any
) -> None:
    await cache.ensure_keys()
    fake_issuer.documents.clear()
    assert not await cache.find("other", "RS256")
    assert await cache.find("key-1", "RS256")
    assert cache.ready()


async def test_failed_fetch_for_an_unknown_kid_keeps_the_refresh_schedule(
    cache: JWKSCache, fake_issuer: Any, steady_clock: Any
) -> None:
    await cache.ensure_keys()
    fake_issuer.documents.clear()
    await cache.find("other", "RS256")
    requested = len(fake_issuer.requested)
    steady_clock.now = 479
    assert cache.ready()
    await _settle(cache)
    assert len(fake_issuer.requested) == requested


async def test_unknown_kid_during_a_refresh_waits_for_that_refresh(
    cache: JWKSCache, fake_issuer: Any, steady_clock: Any, signer: Any, next_signer: Any
) -> None:
    await cache.ensure_keys()
    fake_issuer.serve(signer.jwk, next_signer.jwk)
    steady_clock.now = 480
    assert await cache.find("key-2", "RS256")
    assert len(fake_issuer.requested) == 4
    fake_issuer.serve(signer.jwk)
    await cache.find("other", "RS256")
    assert len(fake_issuer.requested) == 5  # the refresh did not count as a fetch for a kid


async def test_known_kid_with_another_algorithm_triggers_no_fetch(
    cache: JWKSCache, fake_issuer: Any
) -> None:
    await cache.ensure_keys()
    assert not await cache.find("key-1", "RS512")
    assert len(fake_issuer.requested) == 2


async def test_generation_is_unchanged_while_the_keys_are_unchanged(
    cache: JWKSCache, fake_issuer: Any, steady_clock: Any
) -> None:
    await cache.ensure_keys()
    steady_clock.now = 480
    cache.ready()
    await _settle(cache)
    assert cache.generation == 1
    assert len(fake_issuer.requested) == 4


@pytest.mark.parametrize("published", [MAX_KEYS, MAX_KEYS + 1])
async def test_more_than_100_keys_are_logged_as_a_warning_with_their_number(
    cache: JWKSCache, fake_issuer: Any, signer: Any, published: int
) -> None:
    fake_issuer.serve(*(signer.jwk | {"kid": str(number)} for number in range(published)))
    with structlog.testing.capture_logs() as logs:
        await cache.ensure_keys()
    warnings = [entry for entry in logs if entry["event"] == "too many keys"]
    expected = {"log_level": "warning", "issuer": cache.trusted.issuer, "used": MAX_KEYS}
    assert [entry["published"] for entry in warnings] == [101] * (published > MAX_KEYS)
    assert all(expected.items() <= entry.items() for entry in warnings)


async def test_empty_key_set_is_honoured_at_refresh(
    cache: JWKSCache, fake_issuer: Any, steady_clock: Any
) -> None:
    await cache.ensure_keys()
    fake_issuer.serve()
    steady_clock.now = 600
    with pytest.raises(ServiceUnavailable):
        await cache.find("key-1", "RS256")
    assert cache.generation == 2


async def test_empty_key_set_fetched_for_an_unknown_kid_is_honoured(
    cache: JWKSCache, fake_issuer: Any
) -> None:
    await cache.ensure_keys()
    fake_issuer.serve()
    with pytest.raises(ServiceUnavailable):
        await cache.find("other", "RS256")


async def test_hanging_issuer_is_503_after_the_wait_limit(
    trusted: TrustedIssuer,
) -> None:
    async def hang(_url: str) -> bytes:
        await asyncio.sleep(60)
        raise AssertionError

    cache = JWKSCache(trusted, hang, policy=JWKSCachePolicy(wait_seconds=0.01))
    with pytest.raises(ServiceUnavailable) as raised:
        await cache.ensure_keys()
    assert raised.value.headers["Retry-After"] == "1"
    await cache.aclose()
    assert cache._fetch_task is not None
    assert cache._fetch_task.cancelled()


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b"<html>", b"[" * 100_000, b"\xff", b'{"keys": 1}', b"[]", b'{"keys": [1, {}]}'],
)
async def test_unreadable_key_set_is_503(
    trusted: TrustedIssuer, fake_issuer: Any, steady_clock: Any, document: bytes
) -> None:
    fake_issuer.documents[f"{trusted.issuer}/v1/keys"] = document
    with pytest.raises(ServiceUnavailable):
        await JWKSCache(trusted, fake_issuer, steady_clock).find("key-1", "RS256")


async def test_any_exception_of_a_fetch_is_503(trusted: TrustedIssuer, steady_clock: Any) -> None:
    async def broken(_url: str) -> bytes:
        raise RuntimeError("a defect")

    with pytest.raises(ServiceUnavailable):
        await JWKSCache(trusted, broken, steady_clock).ensure_keys()


class TestWithoutKid:
    """Tokens or keys without kid: the one key that fits may be rotated without a sign of it."""

    async def test_key_without_kid_is_found_without_a_fetch(
        self, cache: JWKSCache, fake_issuer: Any, signer: Any
    ) -> None:
        fake_issuer.serve({name: value for name, value in signer.jwk.items() if name != "kid"})
        for kid in ("any", None):
            assert await cache.find(kid, "RS256")
        assert len(fake_issuer.requested) == 2

    @pytest.mark.parametrize("kid", [None, "key-2"])
    async def test_replacement_of_a_failed_key_is_fetched_once_in_12_seconds(
        self,
        cache: JWKSCache,
        fake_issuer: Any,
        steady_clock: Any,
        rotation: Rotation,
        kid: str | None,
    ) -> None:
        await cache.ensure_keys()
        failed = cache.keys.select(None, "RS256")
        assert not await cache.find_replacement(None, "RS256", failed)
        assert not await cache.find_replacement(None, "RS256", failed)
        assert len(fake_issuer.requested) == 3
        rotation.publish_next_key()
        steady_clock.now = 12
        assert bool(await cache.find_replacement(kid, "RS256", failed)) is (kid is not None)
        assert len(fake_issuer.requested) == 4

    async def test_key_named_by_its_kid_has_no_replacement(
        self, cache: JWKSCache, fake_issuer: Any
    ) -> None:
        keys = await cache.find("key-1", "RS256")
        assert not await cache.find_replacement("key-1", "RS256", keys)
        assert len(fake_issuer.requested) == 2


class TestDiscovery:
    async def test_issuer_without_discovery_uses_oktas_keys_path(
        self, cache: JWKSCache, fake_issuer: Any, trusted: TrustedIssuer
    ) -> None:
        del fake_issuer.documents[f"{trusted.issuer}/.well-known/openid-configuration"]
        assert await cache.find("key-1", "RS256")

    async def test_issuer_with_a_final_slash_uses_auth0s_keys_path(
        self, fake_issuer: Any, signer: Any, steady_clock: Any
    ) -> None:
        fake_issuer.documents = {
            "https://x.auth0.example/.well-known/jwks.json": {"keys": [signer.jwk]}
        }
        cache = JWKSCache(TrustedIssuer("https://x.auth0.example/", "a"), fake_issuer, steady_clock)
        assert await cache.find("key-1", "RS256")
        assert fake_issuer.requested == [
            "https://x.auth0.example/.well-known/openid-configuration",
            "https://x.auth0.example/.well-known/oauth-authorization-server",
            "https://x.auth0.example/.well-known/jwks.json",
        ]

    async def test_configured_jwks_uri_skips_discovery(
        self, fake_issuer: Any, signer: Any, steady_clock: Any
    ) -> None:
        fake_issuer.documents = {"https://keys.example/1": {"keys": [signer.jwk]}}
        trusted = TrustedIssuer("https://x.example", "a", jwks_uri="https://keys.example/1")
        assert await JWKSCache(trusted, fake_issuer, steady_clock).find("key-1", "RS256")
        assert fake_issuer.requested == ["https://keys.example/1"]

    @pytest.mark.parametrize(
        "change",
        [
            {"issuer": "https://issuer.example/oauth2/default/"},
            {"issuer": "https://evil.example"},
            {"issuer": None},
            {"jwks_uri": None},
            {"jwks_uri": "http://issuer.example/oauth2/default/v1/keys"},
            {"jwks_uri": "http://127.0.0.1:9/keys"},
            {"jwks_uri": "file:///etc/passwd"},
            {"jwks_uri": "https://user:pass@issuer.example/"},
        ],
    )
    async def test_invalid_discovery_document_is_rejected(
        self, cache: JWKSCache, fake_issuer: Any, trusted: TrustedIssuer, change: Any
    ) -> None:
        fake_issuer.documents[f"{trusted.issuer}/.well-known/openid-configuration"].update(change)
        with pytest.raises(ServiceUnavailable):
            await cache.ensure_keys()
        assert len(fake_issuer.requested) == 1

    async def test_discovered_jwks_uri_is_kept_when_discovery_fails_later(
        self,
        fake_issuer: Any,
        signer: Any,
        next_signer: Any,
        trusted: TrustedIssuer,
        steady_clock: Any,
    ) -> None:
        metadata = f"{trusted.issuer}/.well-known/openid-configuration"
        keys = "https://elsewhere.example/keys"
        fake_issuer.documents = {
            metadata: {"issuer": trusted.issuer, "jwks_uri": keys},
            keys: {"keys": [signer.jwk]},
        }
        cache = JWKSCache(trusted, fake_issuer, steady_clock)
        await cache.ensure_keys()
        del fake_issuer.documents[metadata]
        fake_issuer.documents[keys] = {"keys": [next_signer.jwk]}
        steady_clock.now = 600
        assert await cache.find("key-2", "RS256")
