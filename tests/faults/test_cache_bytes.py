"""Caches filled by callers are limited in bytes."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from encore.auth.access_token import AccessToken
from encore.auth.memory_size import memory_bytes
from encore.auth.rate_limits import RateLimit
from encore.auth.token_cache import MAX_BYTES, CachedToken, TokenCache
from encore.auth.trusted_issuer import TrustedIssuer
from encore.http.host_header import host_error
from encore.http.media_types import parse_media_type
from encore.http.prefer_header import is_lenient
from encore.http.principal import Principal
from encore.http.short_input_cache import MAX_INPUT_BYTES, cache_short_inputs

MEGABYTE = 1_000_000
BOUND = 2 * MEGABYTE


@contextmanager
def trace_memory() -> Iterator[Callable[[], int]]:
    """Yield a function that returns the bytes allocated since then and not freed."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield lambda: tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def large_claims(number: int) -> dict[str, Any]:
    """Return claims of many small objects, as a token of 16 KB can hold."""
    return {"jti": str(number), "groups": [[f"{number % 100}-{index}"] for index in range(1_200)]}


def cached_token(claims: dict[str, Any]) -> CachedToken:
    principal = Principal("i", "c", "c", is_client=True)
    token = AccessToken("i", claims, principal, frozenset(("s",)), 0, 1)
    return CachedToken(token, TrustedIssuer("https://i.example", "a"), 1)


def test_token_cache_is_limited_in_bytes_of_python_objects() -> None:
    assert MAX_BYTES == 16 * 1024 * 1024
    cache: TokenCache[CachedToken] = TokenCache(4096, BOUND)
    with trace_memory() as allocated:
        for number in range(40):
            claims = large_claims(number)
            cache.put(cache.digest(b"%d" % number), cached_token(claims), claims)
        assert len(cache) < 40
        assert BOUND / 2 < cache.bytes <= BOUND
        assert allocated() <= BOUND * 1.1


def test_token_cache_holds_4096_tokens_of_usual_size() -> None:
    cache: TokenCache[CachedToken] = TokenCache(4096)
    for number in range(4096):
        claims = {"iss": "https://issuer.example", "sub": str(number), "aud": "a", "exp": 1, "n": 2}
        cache.put(cache.digest(b"%d" % number), cached_token(claims), claims)
    assert len(cache) == 4096


def test_full_token_cache_evicts_the_least_recently_used_entry() -> None:
    cache: TokenCache[str] = TokenCache(10, max_bytes=5_000)
    for name in (b"first", b"second", b"third"):
        cache.put(name, "", {})
        cache.get(b"first")
    cache.put(b"fourth", "", {})
    assert len(cache) == 3
    assert cache.get(b"first") is not None
    assert cache.get(b"second") is None


def test_token_cache_counts_a_replaced_entry_once() -> None:
    cache: TokenCache[str] = TokenCache(10)
    cache.put(b"one", "", {"a": "b"})
    size = cache.bytes
    cache.put(b"one", "", {"a": "b"})
    assert (len(cache), cache.bytes) == (1, size)


def test_token_cache_ignores_an_entry_larger_than_its_limit() -> None:
    cache: TokenCache[str] = TokenCache(10, max_bytes=5_000)
    cache.put(b"small", "", {})
    cache.put(b"large", "", {"a": "b" * 5_000})
    assert cache.get(b"small") is not None
    assert cache.get(b"large") is None


def test_memory_bytes_counts_nested_objects() -> None:
    with trace_memory() as allocated:
        claims = large_claims(12_345)
        assert 0.7 * allocated() < memory_bytes(claims) < 1.5 * allocated()


def test_rate_limit_keys_of_long_client_names_use_little_memory() -> None:
    limit = RateLimit("clients", "600/minute")
    with trace_memory() as allocated:
        for number in range(1_000):
            limit.hit("x" * 12_000 + str(number))
        assert allocated() < MEGABYTE
    assert limit.hit("x" * 12_000 + "1")[2] == limit.hit("x" * 12_000 + "2")[2]


HEADERS: dict[str, Callable[[bytes], Any]] = {
    "host": lambda value: host_error({"headers": [(b"host", value)]}),
    "prefer": lambda value: is_lenient({"headers": [(b"prefer", value)]}),
    "media type": parse_media_type,
}


@pytest.mark.parametrize("name", HEADERS)
def test_long_headers_are_not_cached(name: str) -> None:
    with trace_memory() as allocated:
        for number in range(200):
            HEADERS[name](b"a/" + b"b" * 16_000 + b"%d" % number)
        assert allocated() < MEGABYTE / 2


def test_cache_short_inputs_caches_short_inputs_only() -> None:
    calls = []

    @cache_short_inputs(8)
    def read(value: bytes, *, lenient: bool = False) -> int:
        calls.append((len(value), lenient))
        return len(value)

    for value in (b"short", b"x" * (MAX_INPUT_BYTES + 1)):
        for _ in range(2):
            assert read(value, lenient=True) == len(value)
    assert calls == [(5, True), (MAX_INPUT_BYTES + 1, True), (MAX_INPUT_BYTES + 1, True)]
