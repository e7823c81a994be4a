"""The issuer's signing key, created at start-up and kept in memory only.

Signs compact JWS (RFC 7515) with RS256 by a python-jose ``Key`` that is built once: signing with a
PEM string would parse it each time, at about 50 times the cost. ``jose.jwt.encode`` is not used
because it adds ``typ`` to every header, and Okta's tokens have none.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import rsa
from jose import jwk
from jose.constants import ALGORITHMS
from jose.utils import base64url_encode

RSA_BITS: Final = 2048
_PUBLIC_EXPONENT: Final = 65537


class SigningKey:
    """An RSA key pair and its id.

    ``kid`` is the RFC 7638 thumbprint of the key, so that a new key always has a new id, and
    verifiers do not confuse it with the one before a restart.
    """

    def __init__(self) -> None:
        # python-jose cannot generate keys.
        private = rsa.generate_private_key(_PUBLIC_EXPONENT, RSA_BITS)
        # The backend accepts the key object; its stubs only strings and mappings.
        self._key = jwk.construct(private, ALGORITHMS.RS256)  # type: ignore[arg-type] # see above
        public = self._key.public_key().to_dict()
        self._public = {name: str(public[name]) for name in ("kty", "n", "e")}
        self.kid = thumbprint(self._public)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the JWK Set (RFC 7517) for verifiers."""
        public = {"kty": "RSA", "alg": ALGORITHMS.RS256, "kid": self.kid, "use": "sig"}
        return {"keys": [public | {"e": self._public["e"], "n": self._public["n"]}]}

    def sign(self, claims: Mapping[str, Any], *, typ: str | None = None) -> str:
        """Return the compact JWT of these claims.

        Args:
            claims: The payload.
            typ: ``typ`` of the header; None to omit it.
        """
        header = {"kid": self.kid, "alg": ALGORITHMS.RS256} | ({"typ": typ} if typ else {})
        signed = _segment(header) + b"." + _segment(claims)
        return (signed + b"." + base64url_encode(self._key.sign(signed))).decode("ascii")


def thumbprint(public: Mapping[str, str]) -> str:
    """Return the RFC 7638 SHA-256 thumbprint of an RSA public JWK.

    Args:
        public: At least the members ``e``, ``kty`` and ``n``.
    """
    required = {name: public[name] for name in ("e", "kty", "n")}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True)
    return base64url_encode(hashlib.sha256(canonical.encode("ascii")).digest()).decode("ascii")


def _segment(members: Mapping[str, Any]) -> bytes:
    return base64url_encode(json.dumps(members, separators=(",", ":")).encode("utf-8"))
