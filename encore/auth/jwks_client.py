"""Fetches the keys of an issuer: by discovery, or from the URLs that vendors use.

Owns the choice of URLs (OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3; Okta's
``/v1/keys``, Auth0's ``/.well-known/jwks.json``) and the rule that a discovery document with
another ``issuer`` is never used. ``jwks_cache`` decides when to fetch.
"""

import json
from typing import Any, Final
from urllib.parse import urlsplit

from encore.auth.document_fetcher import Fetch, FetchError
from encore.auth.trusted_issuer import TrustedIssuer

OKTA_PATH: Final = "/v1/keys"
AUTH0_PATH: Final = "/.well-known/jwks.json"


_OPENID: Final = "/.well-known/openid-configuration"
_OAUTH: Final = "/.well-known/oauth-authorization-server"
_ANSWERED: Final = "status-"


class DiscoveryError(Exception):
    """The discovery document has another issuer, or a ``jwks_uri`` that must not be fetched.

    Args:
        code: What is wrong, for the log.
        url: Where the document is.
    """

    def __init__(self, code: str, url: str) -> None:
        self.url = url
        super().__init__(code)


def discovery_urls(issuer: str) -> tuple[str, ...]:
    """Return where an issuer's metadata may be: after its path, and by RFC 8414 before it."""
    base = issuer.rstrip("/")
    parts = urlsplit(base)
    return base + _OPENID, f"{parts.scheme}://{parts.netloc}{_OAUTH}{parts.path}"


class JWKSClient:
    """Fetches the keys document of one issuer.

    Args:
        trusted: The issuer.
        fetch: Fetches documents.

    Attributes:
        metadata: The members of the last discovery document that name endpoints; empty before.
    """

    def __init__(self, trusted: TrustedIssuer, fetch: Fetch) -> None:
        self.metadata: dict[str, Any] = {}
        self._trusted = trusted
        self._fetch = fetch
        self._uri = trusted.jwks_uri

    async def fetch_keys(self, *, rediscover: bool) -> Any:
        """Return the decoded keys document.

        Args:
            rediscover: Repeat discovery; otherwise fetch the keys from their last URL, which takes
                one request instead of two.

        Raises:
            DiscoveryError: The discovery document must not be used.
            Exception: The error of the last attempt.
        """
        if self._trusted.jwks_uri is not None or (self._uri is not None and not rediscover):
            return await self._fetch_json(self._uri or "")
        base = self._trusted.issuer.rstrip("/")
        uri = await self._discover()
        if uri is None:
            return await self._fetch_from_known_urls(base)
        self._uri = uri
        return await self._fetch_json(uri)

    async def _discover(self) -> str | None:
        """Return the ``jwks_uri`` of the metadata; None without a document.

        Raises:
            DiscoveryError: The document must not be used.
        """
        for url in discovery_urls(self._trusted.issuer):
            try:
                metadata = await self._fetch_json(url)
            except FetchError as error:
                if not str(error).startswith(_ANSWERED):
                    return None  # The next URL would only take as long to fail.
            except (ValueError, RecursionError):
                continue  # Some issuers return a page for unknown paths.
            else:
                return self._validate_metadata(metadata, url)
        return None

    def _validate_metadata(self, metadata: Any, url: str) -> str:
        """Validate a discovery document; return its ``jwks_uri``."""
        if not isinstance(metadata, dict) or metadata.get("issuer") != self._trusted.issuer:
            # Falling back here would hide a wrong ISSUER setting, or an attack.
            raise DiscoveryError("discovery-issuer", url)
        uri = metadata.get("jwks_uri")
        if not isinstance(uri, str) or not self._trusted.may_fetch(uri):
            raise DiscoveryError("discovery-jwks-uri", url)
        self.metadata = {k: v for k, v in metadata.items() if k.endswith("_endpoint")}
        return uri

    async def _fetch_from_known_urls(self, base: str) -> Any:
        """Fetch the keys from their last URL, or from those of Okta and Auth0."""
        paths = [OKTA_PATH, AUTH0_PATH]
        if self._trusted.issuer.endswith("/"):  # Auth0's issuers end so.
            paths.reverse()
        known = [] if self._uri is None else [self._uri]
        last_error: Exception = FetchError("no-url")
        for uri in dict.fromkeys([*known, *(base + path for path in paths)]):
            try:
                document = await self._fetch_json(uri)
            except (FetchError, ValueError, RecursionError) as error:
                last_error = error
            else:
                self._uri = uri
                return document
        raise last_error

    async def _fetch_json(self, uri: str) -> Any:
        return json.loads(await self._fetch(uri))
