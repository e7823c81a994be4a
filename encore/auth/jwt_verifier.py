"""Verification of JWTs.

Owns the order of the checks, the verification of the signature by a prebuilt ``Key``
(RFC 7515 section 5.2), the use of the cache, and the conversion of unexpected exceptions into
``invalid_token``. It is independent of HTTP requests.

The order: size and syntax, header, issuer (exactly, before any network call), algorithm, key,
signature, and only then the claims: a forged token discloses nothing about them.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from jose.backends.base import Key

from encore.auth import challenges, jws
from encore.auth.access_token import AccessToken
from encore.auth.claims import validate_claims
from encore.auth.document_fetcher import DocumentFetcher, Fetch
from encore.auth.jwks_cache import DEFAULT_POLICY, Clock, JWKSCache, JWKSCachePolicy
from encore.auth.token_cache import CachedToken, TokenCache
from encore.auth.trusted_issuer import RFC9068, TrustedIssuer
from encore.errors import ApiError, ServiceUnavailable

IsRevoked = Callable[[Mapping[str, Any]], bool]
"""Returns whether the token with these claims was revoked; called for each request."""

DEFAULT_CACHE_SIZE: Final = 4096
AT_JWT: Final = "at+jwt"
"""``typ`` of access tokens (RFC 9068 section 2.1)."""


class JWTVerifier:
    """Verifies JWTs; for use within one event loop.

    Args:
        issuers: The trusted issuers, with distinct ``issuer`` values.
        fetch: Fetches documents of an issuer; by default ``DocumentFetcher``.
        revoked: Called for each token that is otherwise valid.
        cache_size: Maximum number of cached tokens, within ``token_cache.MAX_BYTES``; 0 for none.
        jwks_policy: Lifetimes and limits of fetching keys.
        wall_clock: Seconds since 1970, for exp, nbf and iat.
        steady_clock: Monotonic seconds, for the JWKS caches.

    Raises:
        ValueError: There is no issuer, or a duplicate one.
    """

    def __init__(
        self,
        issuers: Iterable[TrustedIssuer],
        *,
        fetch: Fetch | None = None,
        revoked: IsRevoked | None = None,
        cache_size: int = DEFAULT_CACHE_SIZE,
        jwks_policy: JWKSCachePolicy = DEFAULT_POLICY,
        wall_clock: Clock = time.time,
        steady_clock: Clock = time.monotonic,
    ) -> None:
        trusted = tuple(issuers)
        fetch = fetch or DocumentFetcher()
        self._jwks_caches = {
            issuer.issuer: JWKSCache(issuer, fetch, steady_clock, jwks_policy) for issuer in trusted
        }
        if not trusted or len(self._jwks_caches) != len(trusted):
            raise ValueError("issuers must have at least one issuer, and no duplicates")
        self._revoked = revoked
        self._now = wall_clock
        self._cache: TokenCache[CachedToken] = TokenCache(cache_size)

    async def verify(self, credential: bytes) -> AccessToken:
        """Verify a token.

        Raises:
            Unauthorized: It is invalid.
            ServiceUnavailable: The keys to verify it are unavailable.
        """
        digest = TokenCache.digest(credential)
        token = self._get_cached(digest)
        if token is None:
            verified = await self._verify_uncached(credential)
            token = verified.token
            self._cache.put(digest, verified, token.claims)
        if self._revoked is not None and self._revoked(token.claims):
            raise challenges.invalid_token("token-revoked")
        return token

    def metadata_of(self, issuer: str) -> Mapping[str, Any]:
        """Return a trusted issuer's endpoints by its discovery document; empty before it was read.

        Nothing is fetched for it: the document is read when keys are.
        """
        return self._jwks_caches[issuer].metadata

    async def warm(self) -> None:
        """Fetch the keys of all issuers before the first request; ignore unavailable issuers."""
        await asyncio.gather(*(self._warm_cache(cache) for cache in self._jwks_caches.values()))

    async def aclose(self) -> None:
        """Cancel pending fetches."""
        for jwks_cache in self._jwks_caches.values():
            await jwks_cache.aclose()

    def _get_cached(self, digest: bytes) -> AccessToken | None:
        """Return a cached token if all but its signature is still valid; None without one.

        Raises:
            Unauthorized: It has expired.
        """
        entry = self._cache.get(digest)
        if entry is None:
            return None
        token = entry.token
        jwks_cache = self._jwks_caches.get(token.issuer)
        if (
            jwks_cache is None
            or not jwks_cache.ready()
            or entry.generation != jwks_cache.generation
            or entry.trusted is not jwks_cache.trusted
        ):
            return None
        # An expired entry stays in the cache: replaying it must not cost a signature check.
        token.validate_time(self._now())
        return token

    async def _verify_uncached(self, credential: bytes) -> CachedToken:
        """Verify a token; return it with the generation of the keys."""
        try:
            parsed = jws.parse_jwt(credential)
            jwks_cache = self._find_jwks_cache(parsed)
            await _verify_signature(parsed, jwks_cache)
            trusted = jwks_cache.trusted
            token = validate_claims(parsed.claims, trusted, self._now())
        except ApiError:
            raise
        except Exception as error:
            # python-jose, cryptography and json raise many types of exceptions.
            raise challenges.invalid_token(f"unexpected-{type(error).__name__}") from error
        return CachedToken(token, trusted, jwks_cache.generation)

    def _find_jwks_cache(self, token: jws.UnverifiedJWT) -> JWKSCache:
        """Return the cache of a trusted issuer. Raises ``Unauthorized`` before any fetch."""
        issuer = token.claims.get("iss")
        jwks_cache = self._jwks_caches.get(issuer) if isinstance(issuer, str) else None
        if jwks_cache is None:
            raise challenges.invalid_token("issuer-unknown")
        if token.algorithm not in jwks_cache.trusted.algorithms:
            raise challenges.invalid_token("algorithm-not-trusted")
        if jwks_cache.trusted.profile == RFC9068 and token.type_ != AT_JWT:
            raise challenges.invalid_token("header-typ")
        return jwks_cache

    @staticmethod
    async def _warm_cache(jwks_cache: JWKSCache) -> None:
        with suppress(ServiceUnavailable):
            await jwks_cache.ensure_keys()


async def _verify_signature(token: jws.UnverifiedJWT, jwks_cache: JWKSCache) -> None:
    """Verify that one of the issuer's keys for this header signed a token."""
    keys = await jwks_cache.find(token.kid, token.algorithm)
    if not keys:
        raise challenges.invalid_token("key-unknown")
    if _is_signed_by(keys, token):
        return
    newer = await jwks_cache.find_replacement(token.kid, token.algorithm, keys)
    if not _is_signed_by(newer, token):
        raise challenges.invalid_token("signature")


def _is_signed_by(keys: Sequence[Key], token: jws.UnverifiedJWT) -> bool:
    """Return whether one of the keys, usually the only one, signed a token."""
    return any(key.verify(token.signed, token.signature) for key in keys)
