"""Bearer authentication: verifies access tokens and compares their scopes with the operation's.

Tokens (RFC 6750) are JWTs (RFC 7519, RFC 8725, RFC 9068) of trusted issuers, or opaque tokens that
their issuer introspects (RFC 7662). Resources are unknown here.

Example::

    verifier = JWTVerifier([TrustedIssuer("https://…/oauth2/default", "api://default")])
    app.add_middleware(BearerAuthMiddleware, verifier=verifier)
    await verifier.warm()              # at start-up, optional: keys before the first request
    await verifier.aclose()            # at shutdown

- ``BearerAuthMiddleware``: pure ASGI; raises ``encore.errors.ApiError``.
- ``JWTVerifier``: verifies JWTs; any other ``TokenVerifier`` can replace it.
- ``TrustedIssuer``: an issuer and the requirements on its tokens.
- ``JWKSCachePolicy``: lifetimes of keys and limits of fetching them.
- ``DocumentFetcher``: fetches keys over HTTP; any other ``Fetch`` can replace it.
- ``AccessToken``: a verified token.

The modules in the order of a request: ``middleware``, ``bearer_token``, ``jwt_verifier``,
``token_cache``, ``jws``, ``trusted_issuer``, ``jwks_cache`` (``jwks_client``, ``document_fetcher``,
``jwks``; ``public_keys``, ``weak_keys`` and ``signature_keys`` for one key), ``claims``,
``access_token``, ``scopes``; ``challenges`` has the errors of all of them.
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
