"""``JWTVerifier``: several issuers, the token cache, and a test vector of RFC 7515."""

import asyncio
import json
import subprocess
import sys
import time
from typing import Any

import pytest

from encore.auth import ALGORITHMS, TrustedIssuer
from encore.auth.base64url import decode_base64url
from encore.auth.jwks import parse_key_set
from encore.errors import ServiceUnavailable, Unauthorized
from tests.fixtures.tokens import ManualClock

pytestmark = pytest.mark.anyio

OKTA = "https://issuer.example/oauth2/default"
AUTH0 = "https://tenant.example/"

# RFC 7515, appendix A.2.
RFC7515_A2_KEY = {
    "kid": "rfc",
    "kty": "RSA",
    "n": (
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0"
        "Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXnd"
        "S5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5Ihl"
        "JH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
    ),
    "e": "AQAB",
}
RFC7515_A2_SIGNED = (
    b"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmN"
    b"vbS9pc19yb290Ijp0cnVlfQ"
)
RFC7515_A2_SIGNATURE = (
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5ju"
    "jGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07"
    "Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipU"
    "TI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)


def test_signature_of_rfc_7515_a2_is_valid_and_variations_are_not() -> None:
    (key,) = parse_key_set({"keys": [RFC7515_A2_KEY]}, ("RS256",)).select("rfc", "RS256")
    signature = decode_base64url(RFC7515_A2_SIGNATURE.encode())
    assert key.verify(RFC7515_A2_SIGNED, signature)
    assert not key.verify(RFC7515_A2_SIGNED + b"A", signature)
    assert not key.verify(RFC7515_A2_SIGNED, signature[:-1] + b"\x00")


class TestIssuers:
    @pytest.fixture
    def verifier(
        self, make_verifier: Any, fake_issuer: Any, next_signer: Any, ec_signer: Any
    ) -> Any:
        base = AUTH0 + ".well-known/"
        fake_issuer.documents[base + "openid-configuration"] = {
            "issuer": AUTH0,
            "jwks_uri": base + "jwks.json",
        }
        fake_issuer.documents[base + "jwks.json"] = {"keys": [next_signer.jwk, ec_signer.jwk]}
        auth0 = TrustedIssuer(AUTH0, "parts", ("RS256", "ES256"), ("scope", "permissions"))
        return make_verifier(TrustedIssuer(OKTA, "api://default"), auth0)

    async def test_tokens_of_each_issuer_are_verified_by_its_own_settings(
        self, verifier: Any, signer: Any, next_signer: Any, ec_signer: Any
    ) -> None:
        okta = await verifier.verify(signer.token(scope="other"))
        changes = {"iss": AUTH0, "aud": ["parts", "userinfo"], "scp": ..., "scope": "a b"}
        auth0 = await verifier.verify(next_signer.token(permissions=["c"], **changes))
        curve = await verifier.verify(ec_signer.token(**changes))
        assert okta.scopes == {"items"}
        assert auth0.scopes == {"a", "b", "c"}
        assert curve.scopes == {"a", "b"}

    async def test_key_of_one_issuer_is_rejected_for_another(
        self, verifier: Any, signer: Any, next_signer: Any
    ) -> None:
        for token in (signer.token(iss=AUTH0, aud="parts"), next_signer.token()):
            with pytest.raises(Unauthorized) as raised:
                await verifier.verify(token)
            assert raised.value.reason == "key-unknown"

    async def test_audience_of_one_issuer_is_rejected_for_another(
        self, verifier: Any, signer: Any
    ) -> None:
        with pytest.raises(Unauthorized):
            await verifier.verify(signer.token(aud="parts"))

    async def test_algorithm_of_one_issuer_is_rejected_for_another(
        self, verifier: Any, ec_signer: Any
    ) -> None:
        with pytest.raises(Unauthorized) as raised:
            await verifier.verify(ec_signer.token())
        assert raised.value.reason == "algorithm-not-trusted"

    async def test_untrusted_issuer_is_rejected_without_a_fetch(
        self, verifier: Any, forger: Any, fake_issuer: Any
    ) -> None:
        with pytest.raises(Unauthorized):
            await verifier.verify(forger.token(iss="https://evil.example"))
        assert not fake_issuer.requested

    async def test_warm_fetches_all_keys_and_ignores_an_unavailable_issuer(
        self, verifier: Any, fake_issuer: Any, signer: Any
    ) -> None:
        del fake_issuer.documents[AUTH0 + ".well-known/jwks.json"]
        await verifier.warm()
        requested = len(fake_issuer.requested)
        await verifier.verify(signer.token())
        assert len(fake_issuer.requested) == requested


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS - {"RS256"}))
async def test_other_algorithm_is_accepted_only_where_configured(
    make_verifier: Any, make_signer: Any, fake_issuer: Any, algorithm: str
) -> None:
    signer = make_signer("key-1", algorithm)
    fake_issuer.serve(signer.jwk)
    trusted = TrustedIssuer(OKTA, "api://default", algorithms=(algorithm,))
    assert (await make_verifier(trusted).verify(signer.token())).client_id == "client-1"
    with pytest.raises(Unauthorized) as raised:
        await make_verifier().verify(signer.token())
    assert raised.value.reason == "algorithm-not-trusted"


class TestWithoutKid:
    """Tokens or keys without kid."""

    async def _reason(self, verifier: Any, token: bytes) -> str:
        """Return the reason to reject a token; empty if it is accepted."""
        try:
            await verifier.verify(token)
        except Unauthorized as error:
            return error.reason
        return ""

    async def test_token_is_accepted_where_one_key_fits(
        self, make_verifier: Any, fake_issuer: Any, signer: Any, next_signer: Any
    ) -> None:
        token, named = signer.token({"kid": ...}), signer.token({"kid": "other"})
        without_kid = {name: value for name, value in signer.jwk.items() if name != "kid"}
        for jwks, reasons in (
            ([signer.jwk], ("", "key-unknown")),
            ([without_kid], ("", "")),
            ([signer.jwk, next_signer.jwk], ("key-unknown", "key-unknown")),
            ([without_kid, next_signer.jwk], ("key-unknown", "key-unknown")),
            ([next_signer.jwk], ("signature", "key-unknown")),
            ([], None),
        ):
            fake_issuer.serve(*jwks)
            verifier = make_verifier()
            if reasons is None:
                with pytest.raises(ServiceUnavailable):
                    await verifier.verify(token)
                continue
            assert await self._reason(verifier, token) == reasons[0]
            assert await self._reason(verifier, named) == reasons[1]

    async def test_forged_token_is_rejected(
        self, make_verifier: Any, fake_issuer: Any, signer: Any, forger: Any
    ) -> None:
        verifier = make_verifier()
        assert await self._reason(verifier, forger.token({"kid": ...})) == "signature"
        fake_issuer.serve({name: value for name, value in signer.jwk.items() if name != "kid"})
        verifier = make_verifier()
        assert await self._reason(verifier, forger.token({"kid": "x"})) == "signature"

    async def test_rotated_key_is_found_within_30_seconds_of_forged_tokens(
        self, make_verifier: Any, fake_issuer: Any, signer: Any, next_signer: Any
    ) -> None:
        def without_kid(key: Any) -> dict[str, Any]:
            return {name: value for name, value in key.jwk.items() if name != "kid"}

        fake_issuer.serve(without_kid(signer))
        clock = ManualClock(0)
        verifier = make_verifier(steady_clock=clock)
        assert not await self._reason(verifier, signer.token({"kid": ...}))
        for number in range(20):
            await self._reason(verifier, next_signer.token({"kid": f"forged-{number}"}))
        assert len(fake_issuer.requested) == 3
        fake_issuer.serve(without_kid(next_signer))
        for header in ({"kid": ...}, {}):
            assert await self._reason(verifier, next_signer.token(header)) == "signature"
        clock.now = 12
        for header in ({"kid": ...}, {}):
            assert not await self._reason(verifier, next_signer.token(header))
        assert len(fake_issuer.requested) == 4
        assert await self._reason(verifier, signer.token({"kid": ...})) == "signature"


class CountingKey:
    """A key that counts the verified signatures."""

    def __init__(self, key: Any) -> None:
        self.key, self.calls = key, 0

    def verify(self, message: bytes, signature: bytes) -> bool:
        self.calls += 1
        return bool(self.key.verify(message, signature))


@pytest.mark.parametrize(
    ("scp", "scopes"),
    [("a  b ", {"a", "b"}), (["a", "", "b c"], {"a", "b c"}), ("", set()), ("a\tb", {"a\tb"})],
)
async def test_scope_string_is_split_at_spaces_only(
    make_verifier: Any, signer: Any, scp: Any, scopes: set[str]
) -> None:
    assert (await make_verifier().verify(signer.token(scp=scp))).scopes == scopes


async def test_signed_token_over_16_kib_is_rejected(make_verifier: Any, signer: Any) -> None:
    verifier = make_verifier()
    await verifier.verify(signer.token(padding="x" * 11_000))
    with pytest.raises(Unauthorized) as raised:
        await verifier.verify(signer.token(padding="x" * 12_500))
    assert raised.value.reason == "token-too-large"


class TestCache:
    async def _count_signatures(self, verifier: Any) -> CountingKey:
        await verifier.warm()
        keys = verifier._jwks_caches[OKTA].keys.keys
        key = CountingKey(keys["key-1", "RS256"][0])
        keys["key-1", "RS256"] = (key,)
        return key

    async def test_signature_of_a_cached_token_is_verified_once(
        self, make_verifier: Any, signer: Any
    ) -> None:
        verifier = make_verifier()
        key = await self._count_signatures(verifier)
        token = signer.token()
        access_tokens = [await verifier.verify(token) for _ in range(3)]
        assert key.calls == 1
        assert access_tokens[0] is access_tokens[2]

    async def test_expiry_of_a_cached_token_is_validated_each_time(
        self, make_verifier: Any, signer: Any, wall_clock: Any
    ) -> None:
        verifier, token = make_verifier(), signer.token(exp=wall_clock.now + 60)
        key = await self._count_signatures(verifier)
        await verifier.verify(token)
        wall_clock.now += 64.9
        await verifier.verify(token)
        wall_clock.now += 0.1
        with pytest.raises(Unauthorized) as raised:
            await verifier.verify(token)
        assert raised.value.message == "Jwt is expired"
        assert key.calls == 1

    async def test_audience_of_a_cached_token_is_validated_each_time(
        self, make_verifier: Any, signer: Any
    ) -> None:
        verifier, token = make_verifier(), signer.token()
        await verifier.verify(token)
        verifier._jwks_caches[OKTA].trusted = TrustedIssuer(OKTA, "another")
        with pytest.raises(Unauthorized) as raised:
            await verifier.verify(token)
        assert raised.value.reason == "claim-aud"

    async def test_cached_token_is_not_yet_valid_after_the_clock_is_set_back(
        self, make_verifier: Any, signer: Any, wall_clock: Any
    ) -> None:
        verifier, token = make_verifier(), signer.token(nbf=wall_clock.now)
        await verifier.verify(token)
        wall_clock.now -= 6
        with pytest.raises(Unauthorized) as raised:
            await verifier.verify(token)
        assert raised.value.reason == "token-not-yet-valid"

    async def test_revocation_of_a_cached_token_is_checked_each_time(
        self, make_verifier: Any, signer: Any
    ) -> None:
        revoked: set[str] = set()
        verifier = make_verifier(revoked=lambda claims: claims["jti"] in revoked)
        token = signer.token()
        await verifier.verify(token)
        revoked.add("AT.1")
        with pytest.raises(Unauthorized) as raised:
            await verifier.verify(token)
        assert raised.value.reason == "token-revoked"
        revoked.clear()
        await verifier.verify(token)

    async def test_token_revoked_before_first_use_is_rejected(
        self, make_verifier: Any, signer: Any
    ) -> None:
        with pytest.raises(Unauthorized):
            await make_verifier(revoked=lambda _: True).verify(signer.token())

    async def test_cached_token_of_a_withdrawn_key_is_rejected(
        self, make_verifier: Any, signer: Any, next_signer: Any, fake_issuer: Any, steady_clock: Any
    ) -> None:
        verifier, token = make_verifier(), signer.token()
        await verifier.verify(token)
        fake_issuer.serve(next_signer.jwk)
        steady_clock.now = 600
        with pytest.raises(Unauthorized) as raised:
            await verifier.verify(token)
        assert raised.value.reason == "key-unknown"

    async def test_key_withdrawn_by_a_background_refresh_is_rejected_at_once(
        self, make_verifier: Any, signer: Any, next_signer: Any, fake_issuer: Any, steady_clock: Any
    ) -> None:
        verifier, token = make_verifier(), signer.token()
        await verifier.verify(token)
        fake_issuer.serve(next_signer.jwk)
        steady_clock.now = 480
        await verifier.verify(token)  # Starts the refresh.
        await asyncio.wait({verifier._jwks_caches[OKTA]._fetch_task})
        with pytest.raises(Unauthorized) as raised:
            await verifier.verify(token)
        assert raised.value.reason == "key-unknown"

    async def test_refresh_with_unchanged_keys_keeps_cached_tokens(
        self, make_verifier: Any, signer: Any, steady_clock: Any
    ) -> None:
        verifier, token = make_verifier(), signer.token()
        key = await self._count_signatures(verifier)
        await verifier.verify(token)
        steady_clock.now = 600
        await verifier.verify(token)  # Waits for the refresh, so it is verified again.
        await verifier.verify(token)
        assert key.calls == 2

    async def test_cache_hit_creates_a_task_only_when_a_refresh_is_due(
        self, make_verifier: Any, signer: Any, steady_clock: Any
    ) -> None:
        verifier, token = make_verifier(), signer.token()
        await verifier.verify(token)
        before = asyncio.all_tasks()
        await verifier.verify(token)
        assert asyncio.all_tasks() == before
        steady_clock.now = 480
        for _ in range(3):
            await verifier.verify(token)
        assert len(asyncio.all_tasks()) == len(before) + 1
        await verifier.aclose()

    async def test_cached_token_is_503_when_stale_keys_expire(
        self, make_verifier: Any, signer: Any, fake_issuer: Any, steady_clock: Any
    ) -> None:
        verifier, token = make_verifier(), signer.token()
        await verifier.verify(token)
        fake_issuer.documents.clear()
        steady_clock.now = 600
        await verifier.verify(token)
        steady_clock.now = 25 * 3600
        with pytest.raises(ServiceUnavailable):
            await verifier.verify(token)

    async def test_full_cache_evicts_the_least_recently_used_token(
        self, make_verifier: Any, signer: Any
    ) -> None:
        verifier = make_verifier(cache_size=2)
        key = await self._count_signatures(verifier)
        first, second, third = (signer.token(jti=str(n)) for n in range(3))
        for token in (first, second, first, third, first):
            await verifier.verify(token)
        assert key.calls == 3
        assert len(verifier._cache) == 2
        await verifier.verify(second)
        assert key.calls == 4

    async def test_cache_size_zero_disables_the_cache(
        self, make_verifier: Any, signer: Any
    ) -> None:
        verifier, token = make_verifier(cache_size=0), signer.token()
        key = await self._count_signatures(verifier)
        await verifier.verify(token)
        await verifier.verify(token)
        assert key.calls == 2

    async def test_rejected_tokens_are_not_cached(
        self, make_verifier: Any, forger: Any, signer: Any
    ) -> None:
        verifier = make_verifier()
        for token in (forger.token(), signer.token(exp=1), signer.token(aud="x")):
            with pytest.raises(Unauthorized):
                await verifier.verify(token)
        assert len(verifier._cache) == 0

    async def test_claims_of_a_cached_token_are_immutable(
        self, make_verifier: Any, signer: Any
    ) -> None:
        access_token = await make_verifier().verify(signer.token())
        with pytest.raises(TypeError):
            access_token.claims["scp"] = ["everything"]


@pytest.mark.parametrize("error", [RecursionError, OverflowError, TypeError, KeyError, ValueError])
async def test_exception_of_the_crypto_library_is_an_invalid_token(
    make_verifier: Any, signer: Any, error: type[Exception]
) -> None:
    class Broken:
        def verify(self, _message: bytes, _signature: bytes) -> bool:
            raise error("text of the library")

    verifier = make_verifier()
    await verifier.warm()
    verifier._jwks_caches[OKTA].keys.keys["key-1", "RS256"] = (Broken(),)
    with pytest.raises(Unauthorized) as raised:
        await verifier.verify(signer.token())
    assert raised.value.message == "Jwt is not valid"
    assert raised.value.reason == f"unexpected-{error.__name__}"


async def test_cold_and_cached_verification_are_fast_enough(
    make_verifier: Any, signer: Any
) -> None:
    # Ten times the time of an idle machine: this catches a fetch or a PEM parsed per request.
    verifier = make_verifier()
    await verifier.warm()
    tokens = [signer.token(jti=str(n)) for n in range(50)]
    start = time.process_time()
    for token in tokens:
        await verifier.verify(token)
    cold = time.process_time()
    for token in tokens:
        await verifier.verify(token)
    cached = time.process_time()
    assert (cold - start) / 50 < 1.2e-3
    assert (cached - cold) / 50 < 1.0e-4


@pytest.mark.processes
def test_import_of_auth_loads_no_framework_and_no_http_client() -> None:
    code = (
        "import json, sys, encore.auth;"
        "print(json.dumps([m for m in ('httpx', 'fastapi', 'pydantic') if m in sys.modules]))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert json.loads(result.stdout) == []
