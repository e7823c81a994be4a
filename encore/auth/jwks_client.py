"""Where an issuer keeps its keys: discovery, then the places where vendors put them.

Owns the choice of addresses (OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3.3; Okta's
``/v1/keys``, Auth0's ``/.well-known/jwks.json``) and the rule that a discovery document whose
``issuer`` is not ours is never used. When to look is left to ``jwks_cache``.
"""

import json
from typing import Any

from encore.auth.document_fetcher import Fetch, FetchError
from encore.auth.trusted_issuer import TrustedIssuer

OKTA_PATH = "/v1/keys"
AUTH0_PATH = "/.well-known/jwks.json"


class DiscoveryError(Exception):
    """The discovery document is another issuer's, or sends us where we do not go."""


class JWKSClient:
    """The keys document of one issuer, as often as asked for.

    Args:
        trusted: Whose.
        fetch: How to get a document.
    """

    def __init__(self, trusted: TrustedIssuer, fetch: Fetch) -> None:
        self._trusted = trusted
        self._fetch = fetch
        self._uri = trusted.jwks_uri

    async def read(self, *, rediscover: bool) -> Any:
        """Give the decoded keys document.

        Args:
            rediscover: Ask discovery again; else go where the keys were last time, which is one
                request and not two.

        Raises:
            DiscoveryError: The discovery document must not be used.
            Exception: Whatever the last attempt failed with.
        """
        if self._trusted.jwks_uri is not None or (self._uri is not None and not rediscover):
            return await self._document(self._uri or "")
        base = self._trusted.issuer.rstrip("/")
        try:
            metadata = await self._document(base + "/.well-known/openid-configuration")
        # No document, or something that is none: some issuers answer pages to unknown paths.
        except (FetchError, ValueError, RecursionError):
            return await self._guess(base)
        self._uri = self._judge(metadata)
        return await self._document(self._uri)

    def _judge(self, metadata: Any) -> str:
        """Give ``jwks_uri`` of a document that may be used."""
        if not isinstance(metadata, dict) or metadata.get("issuer") != self._trusted.issuer:
            # Falling back here would paper over a wrong ISSUER setting, or worse.
            raise DiscoveryError("discovery-issuer")
        uri = metadata.get("jwks_uri")
        if not isinstance(uri, str) or not self._trusted.may_fetch(uri):
            raise DiscoveryError("discovery-jwks-uri")
        return uri

    async def _guess(self, base: str) -> Any:
        """Look where the keys were, or where Okta and Auth0 keep theirs."""
        paths = [OKTA_PATH, AUTH0_PATH]
        if self._trusted.issuer.endswith("/"):  # Auth0's shape
            paths.reverse()
        known = [] if self._uri is None else [self._uri]
        failure: Exception = FetchError("nowhere")
        for uri in dict.fromkeys([*known, *(base + path for path in paths)]):
            try:
                document = await self._document(uri)
            except (FetchError, ValueError, RecursionError) as error:
                failure = error
            else:
                self._uri = uri
                return document
        raise failure

    async def _document(self, uri: str) -> Any:
        return json.loads(await self._fetch(uri))
