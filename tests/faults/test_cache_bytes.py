"""What callers make the service remember is bounded in bytes, however large they make it."""

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
from encore.http.host_header import host_error
from encore.http.media_types import parse_media_type
from encore.http.prefer_header import is_lenient
from encore.http.short_input_cache import MAX_INPUT_BYTES, cache_short_inputs

MEGABYTE = 1_000_000
BOUND = 2 * MEGABYTE


@contextmanager
def kept() -> Iterator[Callable[[], int]]:
    """Yield what tells how many bytes were allocated since and are still there."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield lambda: tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def large_claims(number: int) -> dict[str, Any]:
    """Return claims as a token of 16 KB can hold, of many small objects."""
    return {"jti": str(number), "groups": [[f"{number % 100}-{at}"] for at in range(1_200)]}


def grant(claims: dict[str, Any]) -> CachedToken:
    return CachedToken(AccessToken("i", frozenset(("a",)), claims, "c", frozenset(("s",)), 0, 1), 1)


def test_token_cache_is_bounded_in_bytes_as_python_counts_them() -> None:
    assert MAX_BYTES == 16 * 1024 * 1024
    cache: TokenCache[CachedToken] = TokenCache(4096, BOUND)
    with kept() as held:
        for number in range(40):
            claims = large_claims(number)
            cache.put(cache.digest(b"%d" % number), grant(claims), claims)
        assert len(cache) < 40
        assert BOUND / 2 < cache.bytes <= BOUND
        assert held() <= BOUND * 1.1


def test_token_cache_of_ordinary_tokens_holds_as_many_as_before() -> None:
    cache: TokenCache[CachedToken] = TokenCache(4096)
    for number in range(4096):
        claims = {"iss": "https://issuer.example", "sub": str(number), "aud": "a", "exp": 1, "n": 2}
        cache.put(cache.digest(b"%d" % number), grant(claims), claims)
    assert len(cache) == 4096


def test_token_cache_drops_what_was_not_used_for_longest() -> None:
    cache: TokenCache[str] = TokenCache(10, max_bytes=5_000)
    for name in (b"first", b"second", b"third"):
        cache.put(name, "", {})
        cache.get(b"first")
    cache.put(b"fourth", "", {})
    assert len(cache) == 3
    assert cache.get(b"first") is not None
    assert cache.get(b"second") is None


def test_token_cache_counts_an_entry_once_that_is_put_again() -> None:
    cache: TokenCache[str] = TokenCache(10)
    cache.put(b"one", "", {"a": "b"})
    once = cache.bytes
    cache.put(b"one", "", {"a": "b"})
    assert (len(cache), cache.bytes) == (1, once)


def test_token_cache_leaves_out_what_is_larger_than_all_of_it() -> None:
    cache: TokenCache[str] = TokenCache(10, max_bytes=5_000)
    cache.put(b"small", "", {})
    cache.put(b"large", "", {"a": "b" * 5_000})
    assert cache.get(b"small") is not None
    assert cache.get(b"large") is None


def test_footprint_counts_all_that_is_inside() -> None:
    with kept() as held:
        claims = large_claims(12_345)
        assert 0.7 * held() < memory_bytes(claims) < 1.5 * held()


def test_rate_limits_of_callers_with_long_names_stay_small() -> None:
    limit = RateLimit("clients", "600/minute")
    with kept() as held:
        for number in range(1_000):
            limit.hit("x" * 12_000 + str(number))
        assert held() < MEGABYTE
    assert limit.hit("x" * 12_000 + "1")[2] == limit.hit("x" * 12_000 + "2")[2]


HEADERS: dict[str, Callable[[bytes], Any]] = {
    "host": lambda text: host_error({"headers": [(b"host", text)]}),
    "prefer": lambda text: is_lenient({"headers": [(b"prefer", text)]}),
    "media type": parse_media_type,
}


@pytest.mark.parametrize("name", HEADERS)
def test_long_headers_are_not_remembered(name: str) -> None:
    with kept() as held:
        for number in range(200):
            HEADERS[name](b"a/" + b"b" * 16_000 + b"%d" % number)
        assert held() < MEGABYTE / 2


def test_cached_if_short_remembers_short_texts_alone() -> None:
    calls = []

    @cache_short_inputs(8)
    def read(text: bytes, *, lenient: bool = False) -> int:
        calls.append((len(text), lenient))
        return len(text)

    for text in (b"short", b"x" * (MAX_INPUT_BYTES + 1)):
        for _ in range(2):
            assert read(text, lenient=True) == len(text)
    assert calls == [(5, True), (MAX_INPUT_BYTES + 1, True), (MAX_INPUT_BYTES + 1, True)]
