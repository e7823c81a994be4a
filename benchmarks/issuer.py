"""The authorization server that all competitors trust: Okta's format, one key, no token endpoint.

Follows RFC 8414 (metadata), RFC 7517 (key set) and Okta's access token claims. The harness signs
the tokens itself, so that issuing them costs no server under test any time.
"""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jose import jwk, jwt

AUDIENCE: Final = "api://default"
CLIENT_ID: Final = "0oabenchmark"
SCOPE: Final = "parts_manager"

_PATH: Final = "/oauth2/default"
_LIFETIME: Final = 12 * 3600  # seconds: longer than any run


class Issuer:
    """Signs tokens, and holds the two documents that a resource server fetches."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}{_PATH}"
        self._key_id = secrets.token_urlsafe(8)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    def sign_token(self) -> str:
        """Return a new access token with the scope."""
        now = int(time.time())
        claims = {
            "ver": 1,
            "jti": f"AT.{secrets.token_urlsafe(16)}",
            "iss": self.url,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + _LIFETIME,
            "cid": CLIENT_ID,
            "scp": [SCOPE],
            "sub": CLIENT_ID,
        }
        return jwt.encode(claims, self._pem, algorithm="RS256", headers={"kid": self._key_id})

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return path -> JSON document."""
        public = jwk.construct(self._pem, "RS256").public_key().to_dict()
        metadata = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/v1/authorize",
            "token_endpoint": f"{self.url}/v1/token",
            "jwks_uri": f"{self.url}/v1/keys",
            "response_types_supported": ["token"],
            "grant_types_supported": ["client_credentials"],
            "subject_types_supported": ["public"],
            "scopes_supported": [SCOPE],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return {
            f"{_PATH}/.well-known/openid-configuration": metadata,
            f"{_PATH}/.well-known/oauth-authorization-server": metadata,
            f"{_PATH}/v1/keys": {"keys": [{**public, "kid": self._key_id, "use": "sig"}]},
        }


class _Handler(BaseHTTPRequestHandler):
    """Serves the documents of the only issuer of a run; logs nothing."""

    protocol_version = "HTTP/1.1"
    documents: ClassVar[dict[str, dict[str, Any]]] = {}

    def do_GET(self) -> None:
        """Send a document, or 404."""
        document = self.documents.get(self.path.partition("?")[0])
        body = json.dumps(document or {"error": "not_found"}).encode()
        self.send_response(404 if document is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Log nothing: standard error belongs to the harness."""


@contextmanager
def start_issuer() -> Iterator[Issuer]:
    """Run an issuer on a free loopback port until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        issuer = Issuer(server.server_address[1])
        _Handler.documents = issuer.documents()
        thread = threading.Thread(target=server.serve_forever, name="issuer", daemon=True)
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
