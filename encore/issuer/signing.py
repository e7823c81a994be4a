"""The issuer's one key: made at start, kept in memory, gone at the end.

Signs compact JWS (RFC 7515) with RS256 by a python-jose Key that is built once: signing from PEM
text would parse it each time, at about 50 times the cost. ``jose.jwt.encode`` is passed over
because it puts ``typ`` into every header, and Okta's tokens have none.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from jose import jwk
from jose.constants import ALGORITHMS
from jose.utils import base64url_encode

RSA_BITS = 2048
_PUBLIC_EXPONENT = 65537


class SigningKey:
    """An RSA key pair, its id and its public face.

    ``kid`` is the key's RFC 7638 thumbprint, so that a new key always has a new id and no
    verifier mistakes it for the one before a restart.
    """

    def __init__(self) -> None:
        # By cryptography, as python-jose makes no keys.
        private = rsa.generate_private_key(_PUBLIC_EXPONENT, RSA_BITS)
        # The backend takes the key object itself; its stubs know only text and mappings.
        self._key = jwk.construct(private, ALGORITHMS.RS256)  # type: ignore[arg-type]
        public = self._key.public_key().to_dict()
        self._public = {name: str(public[name]) for name in ("kty", "n", "e")}
        self.kid = thumbprint(self._public)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Give the JWK Set (RFC 7517) that verifiers fetch."""
        public = {"kty": "RSA", "alg": ALGORITHMS.RS256, "kid": self.kid, "use": "sig"}
        return {"keys": [public | {"e": self._public["e"], "n": self._public["n"]}]}

    def sign(self, claims: Mapping[str, Any], *, typ: str | None = None) -> str:
        """Give the compact JWT of these claims.

        Args:
            claims: What the token says.
            typ: The header's ``typ``; left out when None.
        """
        header = {"kid": self.kid, "alg": ALGORITHMS.RS256} | ({"typ": typ} if typ else {})
        signed = _segment(header) + b"." + _segment(claims)
        return (signed + b"." + base64url_encode(self._key.sign(signed))).decode("ascii")


def thumbprint(public: Mapping[str, str]) -> str:
    """Give the RFC 7638 SHA-256 thumbprint of an RSA public JWK.

    Args:
        public: At least the members ``e``, ``kty`` and ``n``.
    """
    required = {name: public[name] for name in ("e", "kty", "n")}
    text = json.dumps(required, separators=(",", ":"), sort_keys=True)
    return base64url_encode(hashlib.sha256(text.encode("ascii")).digest()).decode("ascii")


def _segment(members: Mapping[str, Any]) -> bytes:
    return base64url_encode(json.dumps(members, separators=(",", ":")).encode("utf-8"))
