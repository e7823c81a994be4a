"""The authorization servers that this service trusts, and what it expects of their tokens.

Owns the settings of one issuer and their check at construction, so that a mistake stops the start
and not the first request: only https but for loopback, only algorithms that python-jose can verify
with a public key, a clock skew of 0 to 120 s. Fetching is left to ``discovery`` and ``download``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"})
"""What may be trusted. python-jose has no PS256 and its kin; shared secrets (HS) are no option for
a resource server: whoever can check such a token can forge it."""

MAX_CLOCK_SKEW_SECONDS = 120


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """One trusted issuer.

    Attributes:
        issuer: Its identifier, compared with ``iss`` as it stands: a final slash counts.
        audience: Must be in the token's ``aud``.
        algorithms: ``alg`` values to accept, of ``ALGORITHMS``.
        scope_claims: Claims that hold scopes, together: ``scp`` (Okta), ``scope`` (Auth0, RFC
            9068), ``permissions`` (Auth0 RBAC).
        clock_skew_seconds: Tolerance on exp, nbf and iat, 0 to 120 s.
        jwks_uri: Where the keys are, where the issuer has no discovery document.

    Raises:
        ValueError: A value that cannot be right, in one line that names the attribute.
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...] = ("RS256",)
    scope_claims: tuple[str, ...] = ("scp",)
    clock_skew_seconds: float = 5
    jwks_uri: str | None = None

    def __post_init__(self) -> None:
        for fault in self._faults():
            raise ValueError(fault)

    def _faults(self) -> Iterator[str]:
        if not is_safe_url(self.issuer, loopback=True) or set("?#") & set(self.issuer):
            yield "issuer must be an https URL, or http on loopback, without query and fragment"
        if not self.audience:
            yield "audience must not be empty"
        if not self.algorithms or not ALGORITHMS.issuperset(self.algorithms):
            yield f"algorithms must be of {', '.join(sorted(ALGORITHMS))}"
        if not self.scope_claims or not all(self.scope_claims):
            yield "scope_claims must name at least one claim"
        if not 0 <= self.clock_skew_seconds <= MAX_CLOCK_SKEW_SECONDS:
            yield f"clock_skew_seconds must be 0 to {MAX_CLOCK_SKEW_SECONDS}"
        if self.jwks_uri is not None and not self.may_fetch(self.jwks_uri):
            yield "jwks_uri must be an https URL, or http on loopback for an issuer there"

    def may_fetch(self, url: str) -> bool:
        """Tell whether keys of this issuer may come from this address.

        Plain http is for an issuer that itself runs on loopback: else a discovery document could
        send us to whatever listens on this machine.
        """
        return is_safe_url(url, loopback=self.issuer.startswith("http://"))


def is_safe_url(url: str, *, loopback: bool) -> bool:
    """Tell whether this is an https URL or, if ``loopback`` allows it, http on loopback."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port  # Reading it is what checks it.
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or parts.password is not None:
        return False
    return parts.scheme == "https" or (
        loopback and parts.scheme == "http" and is_loopback(parts.hostname)
    )


def is_loopback(hostname: str) -> bool:
    """Tell whether a host can only be this machine (RFC 6761 6.3 for ``localhost``)."""
    try:
        return hostname == "localhost" or ip_address(hostname).is_loopback
    except ValueError:
        return False
