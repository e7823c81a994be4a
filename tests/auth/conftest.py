"""Keys, tokens, clocks and issuers for the tests of the token gate.

Everything is handed out as a fixture: tests are no package, so they import nothing of each other.
"""

import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose.backends.cryptography_backend import CryptographyECKey, CryptographyRSAKey
from starlette.types import Message, Receive, Scope, Send

from encore.auth import BearerAuthMiddleware, DownloadError, TrustedIssuer, Verifier
from encore.errors import ApiError
from encore.http.request_state import Access, RequestState

ISSUER = "https://issuer.example/oauth2/default"
AUDIENCE = "api://default"
NOW = 1_700_000_000


def b64(value: Any) -> bytes:
    octets = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(octets).rstrip(b"=")


class Signer:
    """A private key that signs what it is told to, and its public JWK."""

    def __init__(self, kid: str, algorithm: str = "RS256", bits: int = 2048) -> None:
        self.kid, self.algorithm = kid, algorithm
        self.key: Any
        if algorithm.startswith("RS"):
            self.key = CryptographyRSAKey(rsa.generate_private_key(65537, bits), algorithm)
        else:
            self.key = CryptographyECKey(ec.generate_private_key(ec.SECP256R1()), algorithm)
        public = self.key.public_key().to_dict()
        self.jwk = {k: v.decode() if isinstance(v, bytes) else v for k, v in public.items()}
        self.jwk |= {"kid": kid, "use": "sig"}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Give Okta's claims with changes; a change to ``...`` leaves the claim out."""
        claims = {
            "ver": 1,
            "jti": "AT.1",
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": NOW - 10,
            "exp": NOW + 3600,
            "cid": "client-1",
            "scp": ["parts_manager"],
            "sub": "client-1",
        } | changes
        return {name: value for name, value in claims.items() if value is not ...}

    def header(self, **changes: Any) -> dict[str, Any]:
        header = {"alg": self.algorithm, "kid": self.kid} | changes
        return {name: value for name, value in header.items() if value is not ...}

    def sign(self, header: Any, payload: Any) -> bytes:
        """Sign a header and a payload, each given as JSON value or raw octets."""
        signed = b64(header) + b"." + b64(payload)
        signature: bytes = self.key.sign(signed)
        return signed + b"." + b64(signature)

    def token(self, header: Mapping[str, Any] | None = None, **claims: Any) -> bytes:
        return self.sign(self.header(**(header or {})), self.claims(**claims))


class ManualClock:
    """Seconds that pass when told to."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Desk:
    """An issuer in memory: hands out documents by address, and counts who asked."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {}
        self.asked: list[str] = []

    def serve(self, *jwks: Any) -> None:
        """Serve these keys in Okta's shape."""
        uri = f"{ISSUER}/v1/keys"
        metadata = {"issuer": ISSUER, "jwks_uri": uri}
        self.documents[f"{ISSUER}/.well-known/openid-configuration"] = metadata
        self.documents[uri] = {"keys": list(jwks)}

    async def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        document = self.documents.get(url)
        if document is None:
            raise DownloadError("status-404")
        return document if isinstance(document, bytes) else json.dumps(document).encode()


class Service:
    """A service behind the gate, with the boundary that renders refusals."""

    def __init__(self, verifier: Any, **options: Any) -> None:
        self.gate = BearerAuthMiddleware(self._behind, verifier, **options)
        self.access = Access(all_of=("parts_manager",))
        self.reached: list[RequestState] = []
        self.refusals: list[ApiError] = []

    async def _behind(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.reached.append(RequestState.of(scope))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"[]"})

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        RequestState("request-1", self.access).attach(scope)
        try:
            await self.gate(scope, _no_body, send)
        except ApiError as refusal:
            self.refusals.append(refusal)
            headers, body = refusal.render(scope["path"], "request-1")
            start = {"type": "http.response.start", "status": refusal.status, "headers": headers}
            await send(start)
            await send({"type": "http.response.body", "body": body})

    async def get(self, *authorization: bytes, query: str = "") -> httpx.Response:
        """Ask with these Authorization headers."""
        headers = [(b"authorization", value) for value in authorization]
        transport = httpx.ASGITransport(app=self)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.get("/parts" + query, headers=headers)


async def _no_body() -> Message:
    raise AssertionError("the gate read the body")


class LocalIssuer:
    """A real HTTP server on loopback whose answers a test decides by path."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                answer = outer.answers.get(self.path)
                try:
                    if answer is None:
                        self.send_error(404)
                    else:
                        answer(self)
                except OSError:
                    self.close_connection = True  # The client had enough, as it should.

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self.issuer = f"{self.origin}/oauth2/default"

    def json(self, path: str, document: Any) -> None:
        self.raw(path, json.dumps(document).encode())

    def raw(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.answers[path] = answer

    def discovery(self, **changes: Any) -> None:
        metadata = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/v1/keys"} | changes
        self.json("/oauth2/default/.well-known/openid-configuration", metadata)

    def keys(self, *jwks: Any) -> None:
        self.json("/oauth2/default/v1/keys", {"keys": list(jwks)})

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def signer() -> Signer:
    """The issuer's key."""
    return Signer("key-1")


@pytest.fixture(scope="session")
def forger() -> Signer:
    """Another's key under the name of the issuer's."""
    return Signer("key-1")


@pytest.fixture(scope="session")
def next_signer() -> Signer:
    """The key that the issuer rotates to."""
    return Signer("key-2")


@pytest.fixture(scope="session")
def ec_signer() -> Signer:
    return Signer("key-ec", "ES256")


@pytest.fixture(scope="session")
def weak_signer() -> Signer:
    return Signer("key-weak", bits=1024)


@pytest.fixture(scope="session")
def make_signer() -> Callable[..., Signer]:
    return Signer


@pytest.fixture(scope="session")
def encode() -> Callable[[Any], bytes]:
    """Base64url without padding, of octets or of a JSON value."""
    return b64


@pytest.fixture
def wall() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def steady() -> ManualClock:
    return ManualClock(0)


@pytest.fixture
def desk(signer: Signer) -> Desk:
    desk = Desk()
    desk.serve(signer.jwk)
    return desk


@pytest.fixture
def trusted() -> TrustedIssuer:
    return TrustedIssuer(ISSUER, AUDIENCE)


@pytest.fixture
def make_verifier(desk: Desk, wall: ManualClock, steady: ManualClock) -> Callable[..., Verifier]:
    """Build a verifier over the desk and the manual clocks."""

    def make(*issuers: TrustedIssuer, **options: Any) -> Verifier:
        trusted = issuers or (TrustedIssuer(ISSUER, AUDIENCE),)
        defaults: dict[str, Any] = {"fetch": desk, "wall_clock": wall, "steady_clock": steady}
        return Verifier(trusted, **(defaults | options))

    return make


@pytest.fixture
def make_service() -> Callable[..., Service]:
    return Service


@pytest.fixture
def service(make_verifier: Callable[..., Verifier]) -> Service:
    return Service(make_verifier())


@pytest.fixture
def local_issuer() -> Iterator[LocalIssuer]:
    issuer = LocalIssuer()
    yield issuer
    issuer.close()
