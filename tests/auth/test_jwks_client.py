"""Key fetching over HTTP against a real server on loopback, valid and hostile."""

import gzip
import time
from typing import Any

import pytest

from encore.auth import DocumentFetcher, FetchError, JWTVerifier, TrustedIssuer
from encore.auth.jwks_client import JWKSClient

pytestmark = pytest.mark.anyio

KEYS = "/oauth2/default/v1/keys"


@pytest.fixture
def fetcher() -> DocumentFetcher:
    return DocumentFetcher(connect_seconds=0.3, total_seconds=0.3)


async def _status(make_service: Any, issuer: Any, signer: Any, fetcher: DocumentFetcher) -> int:
    trusted = TrustedIssuer(issuer.issuer, "api://default")
    verifier = JWTVerifier([trusted], fetch=fetcher, wall_clock=lambda: 1_700_000_000)
    response = await make_service(verifier).get(b"Bearer " + signer.token(iss=issuer.issuer))
    await verifier.aclose()
    return int(response.status_code)


async def test_token_is_accepted_with_discovered_keys(
    make_service: Any, local_issuer: Any, signer: Any, fetcher: DocumentFetcher
) -> None:
    local_issuer.discovery()
    local_issuer.keys(signer.jwk)
    assert await _status(make_service, local_issuer, signer, fetcher) == 200
    assert local_issuer.requested == ["/oauth2/default/.well-known/openid-configuration", KEYS]


async def test_unusable_keys_before_the_right_one_are_skipped(
    make_service: Any, local_issuer: Any, signer: Any, ec_signer: Any, fetcher: DocumentFetcher
) -> None:
    local_issuer.discovery()
    okp = {"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "key-1"}
    malformed = {"kty": "RSA", "kid": "key-1", "n": "!", "e": None}
    odd: list[Any] = [None, 1, "key", [], {}, {"kty": "XYZ", "kid": "key-1"}]
    local_issuer.keys(ec_signer.jwk | {"kid": "key-1"}, okp, malformed, *odd, signer.jwk)
    assert await _status(make_service, local_issuer, signer, fetcher) == 200


async def test_discovery_that_returns_html_falls_back_to_the_vendors_path(
    make_service: Any, local_issuer: Any, signer: Any, fetcher: DocumentFetcher
) -> None:
    local_issuer.raw("/oauth2/default/.well-known/openid-configuration", b"<!doctype html>")
    local_issuer.keys(signer.jwk)
    assert await _status(make_service, local_issuer, signer, fetcher) == 200


@pytest.mark.parametrize(
    ("issuer", "path"),
    [
        ("/oauth2/default", "/.well-known/oauth-authorization-server/oauth2/default"),
        ("/oauth2/default/", "/.well-known/oauth-authorization-server/oauth2/default"),
        ("/", "/.well-known/oauth-authorization-server"),
        ("", "/.well-known/oauth-authorization-server"),
    ],
)
async def test_metadata_of_rfc_8414_alone_is_discovered(
    local_issuer: Any, signer: Any, fetcher: DocumentFetcher, issuer: str, path: str
) -> None:
    issuer = local_issuer.origin + issuer
    keys_uri = f"{local_issuer.origin}/somewhere/keys"
    local_issuer.json(path, {"issuer": issuer, "jwks_uri": keys_uri})
    local_issuer.json("/somewhere/keys", {"keys": [signer.jwk]})
    client = JWKSClient(TrustedIssuer(issuer, "api://default"), fetcher)
    assert await client.fetch_keys(rediscover=True) == {"keys": [signer.jwk]}
    assert local_issuer.requested[-2:] == [path, "/somewhere/keys"]


async def test_metadata_of_rfc_8414_with_another_issuer_is_503(
    make_service: Any, local_issuer: Any, signer: Any, fetcher: DocumentFetcher
) -> None:
    path = "/.well-known/oauth-authorization-server/oauth2/default"
    local_issuer.json(path, {"issuer": "https://x", "jwks_uri": f"{local_issuer.origin}/keys"})
    local_issuer.keys(signer.jwk)
    assert await _status(make_service, local_issuer, signer, fetcher) == 503
    assert KEYS not in local_issuer.requested


async def test_discovery_with_another_issuer_is_503(
    make_service: Any, local_issuer: Any, signer: Any, fetcher: DocumentFetcher
) -> None:
    local_issuer.discovery(issuer=local_issuer.issuer + "/")
    local_issuer.keys(signer.jwk)
    assert await _status(make_service, local_issuer, signer, fetcher) == 503
    assert KEYS not in local_issuer.requested


async def test_redirect_of_the_key_set_is_not_followed(
    make_service: Any, local_issuer: Any, signer: Any, fetcher: DocumentFetcher
) -> None:
    local_issuer.discovery()
    local_issuer.raw(KEYS, b"", 302, Location=local_issuer.origin + "/elsewhere")
    local_issuer.json("/elsewhere", {"keys": [signer.jwk]})
    assert await _status(make_service, local_issuer, signer, fetcher) == 503
    assert "/elsewhere" not in local_issuer.requested


async def test_unreachable_issuer_is_503(
    make_service: Any, local_issuer: Any, signer: Any, fetcher: DocumentFetcher
) -> None:
    local_issuer.close()
    assert await _status(make_service, local_issuer, signer, fetcher) == 503


async def test_document_over_256_kib_is_rejected(
    local_issuer: Any,
) -> None:
    local_issuer.raw("/fits", b" " * 262_144)
    local_issuer.raw("/huge", b" " * 262_145)
    assert len(await DocumentFetcher()(local_issuer.origin + "/fits")) == 262_144
    with pytest.raises(FetchError, match="too-large"):
        await DocumentFetcher()(local_issuer.origin + "/huge")


async def test_endless_document_is_rejected(local_issuer: Any) -> None:
    def endless(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b" " * 65_536)

    local_issuer.responses["/endless"] = endless
    with pytest.raises(FetchError, match="too-large"):
        await DocumentFetcher()(local_issuer.origin + "/endless")


async def test_compressed_document_is_rejected(local_issuer: Any) -> None:
    body = gzip.compress(b" " * 10_000_000)
    local_issuer.raw("/bomb", body, Content_Encoding="gzip")
    with pytest.raises(FetchError, match="compressed"):
        await DocumentFetcher()(local_issuer.origin + "/bomb")


async def test_slow_response_is_cut_off_at_the_total_timeout(
    local_issuer: Any, fetcher: DocumentFetcher
) -> None:
    def drip(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(20):
            handler.wfile.write(b" ")
            time.sleep(0.1)

    local_issuer.responses["/slow"] = drip
    # httpx's own limits, on each read, are called otherwise: ReadTimeout.
    with pytest.raises(FetchError, match=r"^TimeoutError$"):
        await fetcher(local_issuer.origin + "/slow")


@pytest.mark.parametrize("status", [204, 301, 401, 404, 500])
async def test_status_other_than_200_is_rejected(local_issuer: Any, status: int) -> None:
    local_issuer.raw("/x", b"", status)
    with pytest.raises(FetchError, match=f"status-{status}"):
        await DocumentFetcher()(local_issuer.origin + "/x")


async def test_loopback_bypasses_the_proxy(
    local_issuer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    local_issuer.json("/x", {})
    assert await DocumentFetcher()(local_issuer.origin + "/x") == b"{}"
