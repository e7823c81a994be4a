"""When an issuer is asked for keys, and what happens when it does not answer."""

import asyncio
from typing import Any

import pytest

from encore.auth import JWKSCachePolicy, TrustedIssuer
from encore.auth.jwks_cache import JWKSCache
from encore.errors import ServiceUnavailable

pytestmark = pytest.mark.anyio

HOUR = 3600


@pytest.fixture
def cache(trusted: TrustedIssuer, desk: Any, steady: Any) -> JWKSCache:
    return JWKSCache(trusted, desk, steady)


async def _settle(cache: JWKSCache) -> None:
    if cache._fetch_task is not None:
        await asyncio.wait({cache._fetch_task})


async def test_many_requests_at_once_make_one_fetch(cache: JWKSCache, desk: Any) -> None:
    found = await asyncio.gather(*(cache.find("key-1", "RS256") for _ in range(50)))
    assert all(len(keys) == 1 for keys in found)
    assert len(desk.asked) == 2  # discovery and the keys


async def test_a_request_that_leaves_does_not_end_the_fetch_of_others(
    cache: JWKSCache, desk: Any
) -> None:
    one = asyncio.create_task(cache.ensure_keys())
    other = asyncio.create_task(cache.ensure_keys())
    await asyncio.sleep(0)
    one.cancel()
    await other
    assert cache.keys
    assert len(desk.asked) == 2


async def test_keys_are_renewed_in_the_background_from_80_percent_of_their_life(
    cache: JWKSCache, desk: Any, steady: Any
) -> None:
    await cache.ensure_keys()
    steady.now = 479
    assert cache.ready()
    assert len(desk.asked) == 2
    steady.now = 480
    assert cache.ready()
    assert len(desk.asked) == 2  # started, not waited for
    await _settle(cache)
    assert len(desk.asked) == 4
    steady.now = 480 + 479
    assert cache.ready()
    assert len(desk.asked) == 4


async def test_keys_past_their_life_are_renewed_before_they_are_used(
    cache: JWKSCache, desk: Any, steady: Any, next_signer: Any
) -> None:
    await cache.ensure_keys()
    desk.serve(next_signer.jwk)
    steady.now = 600
    assert not cache.ready()
    assert not await cache.find("key-1", "RS256")
    assert await cache.find("key-2", "RS256")


async def test_stale_keys_work_for_a_day_while_the_issuer_is_down(
    cache: JWKSCache, desk: Any, steady: Any
) -> None:
    await cache.ensure_keys()
    desk.documents.clear()
    for now in (480, HOUR, 12 * HOUR, 24 * HOUR + 599):
        steady.now = now
        assert await cache.find("key-1", "RS256")
        assert cache.ready()
        await _settle(cache)
    steady.now = 24 * HOUR + 630
    with pytest.raises(ServiceUnavailable):
        await cache.find("key-1", "RS256")


async def test_the_first_success_after_an_outage_brings_the_schedule_back(
    cache: JWKSCache, desk: Any, steady: Any, signer: Any
) -> None:
    await cache.ensure_keys()
    desk.documents.clear()
    steady.now = HOUR
    await cache.ensure_keys()
    desk.serve(signer.jwk)
    steady.now = HOUR + 1
    assert cache.ready()
    await _settle(cache)
    asked = len(desk.asked)
    steady.now = HOUR + 480
    assert cache.ready()
    assert len(desk.asked) == asked


async def test_requests_do_not_wait_for_an_issuer_that_was_down_a_moment_ago(
    cache: JWKSCache, desk: Any, steady: Any
) -> None:
    await cache.ensure_keys()
    desk.documents.clear()
    steady.now = 600
    await cache.ensure_keys()
    for _ in range(20):
        steady.now += 20
        assert cache.ready()
        await _settle(cache)


async def test_after_an_outage_and_an_idle_night_the_issuer_is_asked_first(
    cache: JWKSCache, desk: Any, steady: Any, next_signer: Any
) -> None:
    await cache.ensure_keys()
    desk.documents.clear()
    steady.now = 600
    await cache.ensure_keys()
    desk.serve(next_signer.jwk)
    steady.now = 8 * HOUR
    assert not cache.ready()
    assert not await cache.find("key-1", "RS256")


async def test_a_cold_keyring_asks_again_after_pauses_that_double(
    cache: JWKSCache, desk: Any, steady: Any
) -> None:
    desk.documents.clear()
    pauses = []
    for _ in range(9):
        with pytest.raises(ServiceUnavailable) as refused:
            await cache.ensure_keys()
        asked = len(desk.asked)
        with pytest.raises(ServiceUnavailable):
            await cache.ensure_keys()
        assert len(desk.asked) == asked  # not asked within the pause
        pauses.append(int(refused.value.headers["Retry-After"]))
        steady.now += pauses[-1]
    assert pauses == [1, 1, 2, 4, 8, 16, 30, 30, 30]


async def test_a_rotated_key_is_found_without_restart(
    cache: JWKSCache, desk: Any, signer: Any, next_signer: Any
) -> None:
    await cache.ensure_keys()
    generation = cache.generation
    desk.serve(signer.jwk, next_signer.jwk)
    assert await cache.find("key-2", "RS256")
    assert cache.generation == generation + 1
    assert len(desk.asked) == 3  # the second look goes straight to the keys


async def test_a_thousand_forged_kids_a_minute_make_five_fetches(
    cache: JWKSCache, desk: Any, steady: Any, next_signer: Any, signer: Any
) -> None:
    await cache.ensure_keys()
    for number in range(1000):
        steady.now = number * 0.05
        assert not await cache.find(f"forged-{number}", "RS256")
        assert await cache.find("key-1", "RS256")
    assert len(desk.asked) == 2 + 5
    desk.serve(signer.jwk, next_signer.jwk)
    steady.now = 61
    assert await cache.find("key-2", "RS256")


async def test_forged_kids_do_not_spend_what_renewals_need(
    cache: JWKSCache, desk: Any, steady: Any, signer: Any, next_signer: Any
) -> None:
    await cache.ensure_keys()
    steady.now = 479
    for number in range(100):
        await cache.find(f"forged-{number}", "RS256")
    desk.serve(signer.jwk, next_signer.jwk)
    steady.now = 480
    assert cache.ready()
    await _settle(cache)
    assert await cache.find("key-2", "RS256")


async def test_the_same_unknown_kid_is_looked_for_once_in_30_seconds(
    cache: JWKSCache, desk: Any, steady: Any
) -> None:
    await cache.ensure_keys()
    for now, asked in [(0, 3), (1, 3), (29, 3), (30, 4), (31, 4)]:
        steady.now = now
        assert not await cache.find("gone", "RS256")
        assert len(desk.asked) == asked


async def test_an_unknown_kid_while_the_issuer_is_down_is_unknown_and_keeps_the_others(
    cache: JWKSCache, desk: Any
) -> None:
    await cache.ensure_keys()
    desk.documents.clear()
    assert not await cache.find("other", "RS256")
    assert await cache.find("key-1", "RS256")
    assert cache.ready()


async def test_a_failed_look_for_an_unknown_kid_leaves_the_schedule_alone(
    cache: JWKSCache, desk: Any, steady: Any
) -> None:
    await cache.ensure_keys()
    desk.documents.clear()
    await cache.find("other", "RS256")
    asked = len(desk.asked)
    steady.now = 479
    assert cache.ready()
    await _settle(cache)
    assert len(desk.asked) == asked


async def test_an_unknown_kid_during_a_renewal_waits_for_it_and_spends_nothing(
    cache: JWKSCache, desk: Any, steady: Any, signer: Any, next_signer: Any
) -> None:
    await cache.ensure_keys()
    desk.serve(signer.jwk, next_signer.jwk)
    steady.now = 480
    assert await cache.find("key-2", "RS256")
    assert len(desk.asked) == 4
    assert not cache._misses


async def test_a_known_kid_with_another_algorithm_makes_no_fetch(
    cache: JWKSCache, desk: Any
) -> None:
    await cache.ensure_keys()
    assert not await cache.find("key-1", "RS512")
    assert len(desk.asked) == 2


async def test_the_generation_stays_while_the_keys_stay(
    cache: JWKSCache, desk: Any, steady: Any
) -> None:
    await cache.ensure_keys()
    steady.now = 480
    cache.ready()
    await _settle(cache)
    assert cache.generation == 1
    assert len(desk.asked) == 4


async def test_an_issuer_that_withdraws_all_keys_is_believed(
    cache: JWKSCache, desk: Any, steady: Any
) -> None:
    await cache.ensure_keys()
    desk.serve()
    steady.now = 600
    with pytest.raises(ServiceUnavailable):
        await cache.find("key-1", "RS256")
    assert cache.generation == 2


async def test_withdrawal_seen_by_a_look_for_an_unknown_kid_counts_at_once(
    cache: JWKSCache, desk: Any
) -> None:
    await cache.ensure_keys()
    desk.serve()
    with pytest.raises(ServiceUnavailable):
        await cache.find("other", "RS256")


async def test_a_hanging_issuer_holds_up_a_request_no_longer_than_allowed(
    trusted: TrustedIssuer,
) -> None:
    async def hang(_url: str) -> bytes:
        await asyncio.sleep(60)
        raise AssertionError

    cache = JWKSCache(trusted, hang, policy=JWKSCachePolicy(wait_seconds=0.01))
    with pytest.raises(ServiceUnavailable) as refused:
        await cache.ensure_keys()
    assert refused.value.headers["Retry-After"] == "1"
    await cache.aclose()
    assert cache._fetch_task is not None
    assert cache._fetch_task.cancelled()


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b"<html>", b"[" * 100_000, b"\xff", b'{"keys": 1}', b"[]", b'{"keys": [1, {}]}'],
)
async def test_keys_that_cannot_be_read_are_no_keys(
    trusted: TrustedIssuer, desk: Any, steady: Any, document: bytes
) -> None:
    desk.documents[f"{trusted.issuer}/v1/keys"] = document
    with pytest.raises(ServiceUnavailable):
        await JWKSCache(trusted, desk, steady).find("key-1", "RS256")


async def test_any_exception_of_a_fetch_is_an_unreachable_issuer(
    trusted: TrustedIssuer, steady: Any
) -> None:
    async def broken(_url: str) -> bytes:
        raise RuntimeError("a defect")

    with pytest.raises(ServiceUnavailable):
        await JWKSCache(trusted, broken, steady).ensure_keys()


class TestDiscovery:
    async def test_an_issuer_without_discovery_is_asked_where_okta_keeps_its_keys(
        self, cache: JWKSCache, desk: Any, trusted: TrustedIssuer
    ) -> None:
        del desk.documents[f"{trusted.issuer}/.well-known/openid-configuration"]
        assert await cache.find("key-1", "RS256")

    async def test_an_issuer_with_a_final_slash_is_asked_in_auth0s_way_first(
        self, desk: Any, signer: Any, steady: Any
    ) -> None:
        desk.documents = {"https://x.auth0.example/.well-known/jwks.json": {"keys": [signer.jwk]}}
        cache = JWKSCache(TrustedIssuer("https://x.auth0.example/", "a"), desk, steady)
        assert await cache.find("key-1", "RS256")
        assert desk.asked == [
            "https://x.auth0.example/.well-known/openid-configuration",
            "https://x.auth0.example/.well-known/jwks.json",
        ]

    async def test_a_configured_address_spares_discovery(
        self, desk: Any, signer: Any, steady: Any
    ) -> None:
        desk.documents = {"https://keys.example/1": {"keys": [signer.jwk]}}
        trusted = TrustedIssuer("https://x.example", "a", jwks_uri="https://keys.example/1")
        assert await JWKSCache(trusted, desk, steady).find("key-1", "RS256")
        assert desk.asked == ["https://keys.example/1"]

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
    async def test_a_discovery_document_that_is_not_the_issuers_is_never_used(
        self, cache: JWKSCache, desk: Any, trusted: TrustedIssuer, change: Any
    ) -> None:
        desk.documents[f"{trusted.issuer}/.well-known/openid-configuration"].update(change)
        with pytest.raises(ServiceUnavailable):
            await cache.ensure_keys()
        assert len(desk.asked) == 1

    async def test_discovery_that_goes_away_later_does_not_take_the_keys_along(
        self, desk: Any, signer: Any, next_signer: Any, trusted: TrustedIssuer, steady: Any
    ) -> None:
        metadata = f"{trusted.issuer}/.well-known/openid-configuration"
        keys = "https://elsewhere.example/keys"
        desk.documents = {
            metadata: {"issuer": trusted.issuer, "jwks_uri": keys},
            keys: {"keys": [signer.jwk]},
        }
        cache = JWKSCache(trusted, desk, steady)
        await cache.ensure_keys()
        del desk.documents[metadata]
        desk.documents[keys] = {"keys": [next_signer.jwk]}
        steady.now = 600
        assert await cache.find("key-2", "RS256")
