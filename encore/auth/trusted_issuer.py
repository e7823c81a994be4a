"""The trusted authorization servers and the requirements on their tokens.

Owns the settings of one issuer and their validation at construction, so that a mistake fails at
start-up and not at the first request: https except on loopback, algorithms that python-jose can
verify with a public key, a clock skew of 0 to 120 s. ``jwks_client`` fetches the keys.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"})
"""Supported algorithms. python-jose does not implement PS256 to PS512; HMAC (HS256 ...) is unsafe
for a resource server: a party that can verify such a token can also forge it."""

MAX_CLOCK_SKEW_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """One trusted issuer.

    Attributes:
        issuer: Its identifier, compared exactly with ``iss``: a trailing slash matters.
        audience: Must be in the token's ``aud``.
        algorithms: Accepted ``alg`` values, from ``ALGORITHMS``.
        scope_claims: Claims with scopes, which are combined: ``scp`` (Okta), ``scope`` (Auth0, RFC
            9068), ``permissions`` (Auth0 RBAC).
        clock_skew_seconds: Tolerance on exp, nbf and iat, 0 to 120 s.
        jwks_uri: The URL of the keys, for an issuer without a discovery document.

    Raises:
        ValueError: A value is invalid; the message is one line that names the attribute.
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...] = ("RS256",)
    scope_claims: tuple[str, ...] = ("scp",)
    clock_skew_seconds: float = 5
    jwks_uri: str | None = None

    def __post_init__(self) -> None:
        for message in self._errors():
            raise ValueError(message)

    def _errors(self) -> Iterator[str]:
        if not is_safe_url(self.issuer, loopback=True) or set("?#") & set(self.issuer):
            yield "issuer must be an https URL, or http on loopback, without query and fragment"
        if not self.audience:
            yield "audience must not be empty"
        if not self.algorithms or not ALGORITHMS.issuperset(self.algorithms):
            yield f"algorithms must be some of {', '.join(sorted(ALGORITHMS))}"
        if not self.scope_claims or not all(self.scope_claims):
            yield "scope_claims must name at least one claim"
        if not 0 <= self.clock_skew_seconds <= MAX_CLOCK_SKEW_SECONDS:
            yield f"clock_skew_seconds must be from 0 to {MAX_CLOCK_SKEW_SECONDS}"
        if self.jwks_uri is not None and not self.may_fetch(self.jwks_uri):
            yield "jwks_uri must be an https URL, or http on loopback for an issuer there"

    def may_fetch(self, url: str) -> bool:
        """Return whether keys of this issuer may be fetched from a URL.

        http is only allowed for an issuer on loopback: otherwise a discovery document could make
        this service call other services of its machine.
        """
        return is_safe_url(url, loopback=self.issuer.startswith("http://"))


def is_safe_url(url: str, *, loopback: bool) -> bool:
    """Return whether this is an https URL or, if ``loopback`` is set, http on loopback."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port  # Raises ValueError if it is invalid.
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or parts.password is not None:
        return False
    return parts.scheme == "https" or (
        loopback and parts.scheme == "http" and is_loopback(parts.hostname)
    )


def is_loopback(hostname: str) -> bool:
    """Return whether a host is this machine (RFC 6761 6.3 for ``localhost``)."""
    try:
        return hostname == "localhost" or ip_address(hostname).is_loopback
    except ValueError:
        return False
