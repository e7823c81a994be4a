"""The trusted authorization servers and the requirements on their tokens.

Owns the settings of one issuer and their validation at construction, so that a mistake fails at
start-up and not at the first request: https except on loopback, algorithms that are verified with
a public key, a clock skew of 0 to 120 s. ``jwks_client`` fetches the keys.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from encore.auth.principals import ClientMark, Naming
from encore.auth.weak_keys import MIN_RSA_EXPONENT, SMALLEST_RSA_EXPONENT

ALGORITHMS: Final = frozenset(
    {
        *("RS256", "RS384", "RS512"),
        *("PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512"),
        *("EdDSA", "Ed25519", "Ed448"),
    }
)
"""Supported algorithms (RFC 7518 section 3.1, RFC 8037, RFC 9864). HMAC (HS256 ...) is unsafe for a
resource server: a party that can verify such a token can also forge it."""

MAX_CLOCK_SKEW_SECONDS: Final = 120
JWT: Final = "jwt"
RFC9068: Final = "rfc9068"
PROFILES: Final = (JWT, RFC9068)
"""What a token must have: the claims of any access token, or all those of RFC 9068."""

Grants = Mapping[str, frozenset[str]]
"""Scopes by who is granted them."""


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """One trusted issuer.

    Attributes:
        issuer: Its identifier, compared exactly with ``iss``: a trailing slash matters.
        audience: One of them must be in the token's ``aud``; may be empty if ``client_ids`` is not.
        algorithms: Accepted ``alg`` values, from ``ALGORITHMS``.
        scope_claims: Claims with scopes, which are combined: ``scp`` (Okta), ``scope`` (Auth0, RFC
            9068), ``permissions`` (Auth0 RBAC), or a path such as ``realm_access.roles``.
        clock_skew_seconds: Tolerance on exp, nbf and iat, 0 to 120 s.
        jwks_uri: The URL of the keys, for an issuer without a discovery document.
        client_ids: The clients whose tokens are accepted; empty for all. For issuers whose access
            tokens have no ``aud`` (AWS Cognito).
        required_claims: Claims that must have these values: ``{"token_use": "access"}``.
        client_mark: What marks the tokens of clients that call for themselves.
        naming: How its users and clients are named.
        profile: ``jwt``, or ``rfc9068``: typ ``at+jwt``, sub, iat, jti and client_id are required.
        max_age_seconds: How old a token may be by its ``iat``, in seconds; 0 for any age.
        user_grants: Scopes by the subject of a user, in addition to those of the claims.
        client_grants: Scopes by the id of a client that calls for itself, likewise.
        min_rsa_exponent: RSA keys with a smaller public exponent are not used; at least 3.

    Raises:
        ValueError: A value is invalid; the message is one line that names the attribute.
    """

    issuer: str
    audience: str | tuple[str, ...]
    algorithms: tuple[str, ...] = ("RS256",)
    scope_claims: tuple[str, ...] = ("scp",)
    clock_skew_seconds: float = 5
    jwks_uri: str | None = None
    client_ids: tuple[str, ...] = ()
    required_claims: Mapping[str, str] = field(default_factory=dict)
    client_mark: ClientMark | None = None
    naming: Naming = field(default_factory=Naming)
    profile: str = JWT
    max_age_seconds: int = 0
    user_grants: Grants = field(default_factory=dict)
    client_grants: Grants = field(default_factory=dict)
    min_rsa_exponent: int = MIN_RSA_EXPONENT

    def __post_init__(self) -> None:
        for message in (*self._errors(), *self._claim_errors()):
            raise ValueError(message)

    def _errors(self) -> Iterator[str]:
        if not is_safe_url(self.issuer, loopback=True) or set("?#") & set(self.issuer):
            yield "issuer must be an https URL, or http on loopback, without query and fragment"
        if not self.algorithms or not ALGORITHMS.issuperset(self.algorithms):
            yield f"algorithms must be some of {', '.join(sorted(ALGORITHMS))}"
        # A name with dots may be a path, in which no step is empty.
        if not all(all(name.split(".")) for name in self.scope_claims):
            yield "scope_claims must be names of claims, or paths such as realm_access.roles"
        if not 0 <= self.clock_skew_seconds <= MAX_CLOCK_SKEW_SECONDS:
            yield f"clock_skew_seconds must be from 0 to {MAX_CLOCK_SKEW_SECONDS}"
        if self.jwks_uri is not None and not self.may_fetch(self.jwks_uri):
            yield "jwks_uri must be an https URL, or http on loopback for an issuer there"
        if self.profile not in PROFILES:
            yield f"token_profile must be one of {', '.join(PROFILES)}"
        if self.max_age_seconds < 0:
            yield "max_token_age_seconds must not be negative"
        if not SMALLEST_RSA_EXPONENT <= self.min_rsa_exponent <= MIN_RSA_EXPONENT:
            yield f"min_rsa_exponent must be from {SMALLEST_RSA_EXPONENT} to {MIN_RSA_EXPONENT}"

    def _claim_errors(self) -> Iterator[str]:
        if not all(self.audiences) or not (self.audiences or self.client_ids):
            yield "audience must not be empty, unless client_ids names the clients"
        for name, values in (
            ("audience", self.audiences),
            ("client_ids", self.client_ids),
            ("required_claims", self.required_claims.values()),
        ):
            items: Iterable[Any] = values
            if not all(isinstance(item, str) and item for item in items):
                yield f"{name} must be strings"

    @property
    def audiences(self) -> tuple[str, ...]:
        """The accepted audiences."""
        return (self.audience,) if isinstance(self.audience, str) else self.audience

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
