"""Bearer tokens in, grants out.

Owns the order in which a token is judged, the check of its signature by a prebuilt python-jose
``Key`` (RFC 7515 section 5.2), the cache of verified tokens and the one boundary that turns any
exception on the way into ``invalid_token``. Nothing here knows of HTTP requests.

The order: size and form, header, issuer (by its exact name, before any network call), algorithm,
key, signature, and only then what the claims say: a forger learns nothing about them.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from jose.backends.base import Key

from encore.auth import challenges, jws
from encore.auth.access_token import AccessToken
from encore.auth.claims import validate_claims
from encore.auth.document_fetcher import DocumentFetcher, Fetch
from encore.auth.jwks_cache import DEFAULT_POLICY, Clock, JWKSCache, JWKSCachePolicy
from encore.auth.token_cache import CachedToken, TokenCache
from encore.auth.trusted_issuer import TrustedIssuer
from encore.errors import ApiError, ServiceUnavailable

IsRevoked = Callable[[Mapping[str, Any]], bool]
"""Tells by its claims whether a token was revoked. Asked at each request, so from memory."""

DEFAULT_CACHE_SIZE = 4096


class JWTVerifier:
    """The judge of bearer tokens; to be used within one event loop.

    Args:
        issuers: Whom to trust; no two with the same ``issuer``.
        fetch: How to get documents of an issuer; by default ``DocumentFetcher``.
        revoked: Asked for each token that is otherwise good.
        cache_size: Verified tokens to remember, within ``cache.MAX_BYTES``; 0 for none.
        jwks_policy: Times and budgets of the keyrings.
        wall_clock: Seconds since 1970, for exp, nbf and iat.
        steady_clock: Seconds that never jump, for the keyrings.

    Raises:
        ValueError: No issuer, or one twice.
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
        self._keyrings = {
            one.issuer: JWKSCache(one, fetch, steady_clock, jwks_policy) for one in trusted
        }
        if not trusted or len(self._keyrings) != len(trusted):
            raise ValueError("issuers must name at least one issuer, and none twice")
        self._revoked = revoked
        self._now = wall_clock
        self._cache: TokenCache[CachedToken] = TokenCache(cache_size)

    async def verify(self, credential: bytes) -> AccessToken:
        """Judge a credential.

        Raises:
            Unauthorized: It is refused.
            ServiceUnavailable: The keys to judge it cannot be had.
        """
        digest = TokenCache.digest(credential)
        grant = self._recall(digest)
        if grant is None:
            grant, generation = await self._examine(credential)
            self._cache.put(digest, CachedToken(grant, generation), grant.claims)
        if self._revoked is not None and self._revoked(grant.claims):
            raise challenges.invalid_token("token-revoked")
        return grant

    async def warm(self) -> None:
        """Fetch the keys of all issuers ahead of the first request; those out of reach can wait."""
        await asyncio.gather(*(self._try(jwks_cache) for jwks_cache in self._keyrings.values()))

    async def aclose(self) -> None:
        """Give up what is under way."""
        for jwks_cache in self._keyrings.values():
            await jwks_cache.aclose()

    def _recall(self, digest: bytes) -> AccessToken | None:
        """Give the grant of a token seen before, if all but its signature is still good.

        Raises:
            Unauthorized: It has expired since.
        """
        entry = self._cache.get(digest)
        if entry is None:
            return None
        grant = entry.grant
        jwks_cache = self._keyrings.get(grant.issuer)
        if (
            jwks_cache is None
            or not jwks_cache.ready()
            or entry.generation != jwks_cache.generation
            or jwks_cache.trusted.audience not in grant.audiences
        ):
            return None
        # An expired entry stays until others push it out: its replay must not cost a signature.
        grant.validate_time(self._now())
        return grant

    async def _examine(self, credential: bytes) -> tuple[AccessToken, int]:
        """Judge a token from the beginning; gives the generation of the keys as well."""
        try:
            token = jws.parse_jwt(credential)
            jwks_cache = self._keyring_of(token)
            keys = await jwks_cache.find(token.kid, token.algorithm)
            _check_signature(token, keys)
            return validate_claims(
                token.claims, jwks_cache.trusted, self._now()
            ), jwks_cache.generation
        except ApiError:
            raise
        except Exception as error:
            # The one boundary: python-jose, cryptography and json raise many kinds.
            raise challenges.invalid_token(f"unexpected-{type(error).__name__}") from error

    def _keyring_of(self, token: jws.UnverifiedJWT) -> JWKSCache:
        """Give the keys of a trusted issuer, or refuse before anything is fetched."""
        issuer = token.claims.get("iss")
        jwks_cache = self._keyrings.get(issuer) if isinstance(issuer, str) else None
        if jwks_cache is None:
            raise challenges.invalid_token("issuer-unknown")
        if token.algorithm not in jwks_cache.trusted.algorithms:
            raise challenges.invalid_token("algorithm-not-trusted")
        return jwks_cache

    @staticmethod
    async def _try(jwks_cache: JWKSCache) -> None:
        with suppress(ServiceUnavailable):
            await jwks_cache.ensure_keys()


def _check_signature(token: jws.UnverifiedJWT, keys: Sequence[Key]) -> None:
    """Refuse a token that none of these keys signed; usually there is one."""
    if not keys:
        raise challenges.invalid_token("key-unknown")
    if not any(key.verify(token.signed, token.signature) for key in keys):
        raise challenges.invalid_token("signature")
