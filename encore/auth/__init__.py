"""The token gate: who may call what.

Verifies bearer tokens (RFC 6750) that are JWTs (RFC 7519, RFC 8725, RFC 9068) of the trusted
issuers and compares their scopes with what the operation needs. Knows nothing of resources.

Public surface::

    verifier = Verifier([TrustedIssuer("https://…/oauth2/default", "api://default")])
    app = BearerGate(app, verifier)    # behind routing, which sets Exchange.access
    await verifier.warm()              # at start-up, optional: keys before the first request
    await verifier.aclose()            # at shutdown

- ``BearerAuthMiddleware(app, verifier, resource_metadata=None)``: pure ASGI; raises
``encore.errors.ApiError``.
- ``JWTVerifier(issuers, fetch, revoked, cache_size, jwks_policy, wall_clock, steady_clock)``.
- ``TrustedIssuer(issuer, audience, algorithms, scope_claims, clock_skew_seconds, jwks_uri)``.
- ``JWKSCachePolicy(...)``: times and budgets of fetching keys.
- ``DocumentFetcher(...)``: the HTTP fetch and its limits; any ``Fetch`` may stand in.
- ``AccessToken``: what a verified token grants; ``TokenVerifier``: what else may judge tokens.

The modules, in the order that a request meets them: ``gate``, ``credentials``, ``verifier``,
``cache``, ``compact``, ``issuers``, ``jwks_cache`` (``discovery``, ``download``, ``jwks``),
``claims``, ``grants``, ``scopes``; ``refusals`` has the words and challenges of them all.
"""

from encore.auth.access_token import AccessToken
from encore.auth.document_fetcher import DocumentFetcher, Fetch, FetchError
from encore.auth.jwks_cache import Clock, JWKSCachePolicy
from encore.auth.jwt_verifier import IsRevoked, JWTVerifier
from encore.auth.middleware import BearerAuthMiddleware, TokenVerifier
from encore.auth.trusted_issuer import ALGORITHMS, TrustedIssuer

__all__ = [
    "ALGORITHMS",
    "AccessToken",
    "BearerAuthMiddleware",
    "Clock",
    "DocumentFetcher",
    "Fetch",
    "FetchError",
    "IsRevoked",
    "JWKSCachePolicy",
    "JWTVerifier",
    "TokenVerifier",
    "TrustedIssuer",
]
