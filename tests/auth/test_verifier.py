"""Several issuers, the cache of verified tokens, and a known answer."""

import asyncio
import json
import subprocess
import sys
import time
from typing import Any

import pytest

from encore.auth import TrustedIssuer
from encore.auth.jwks import parse_key_set
from encore.errors import ServiceUnavailable, Unauthorized

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


def test_the_signature_of_rfc_7515_a2_is_good_and_no_other_is() -> None:
    from encore.auth.jws import _decode_segment  # noqa: PLC0415 - the one decoder, for the one vector

    (key,) = parse_key_set({"keys": [RFC7515_A2_KEY]}, ("RS256",)).select("rfc", "RS256")
    signature = _decode_segment(RFC7515_A2_SIGNATURE.encode())
    assert key.verify(RFC7515_A2_SIGNED, signature)
    assert not key.verify(RFC7515_A2_SIGNED + b"A", signature)
    assert not key.verify(RFC7515_A2_SIGNED, signature[:-1] + b"\x00")


class TestIssuers:
    @pytest.fixture
    def verifier(self, make_verifier: Any, desk: Any, next_signer: Any, ec_signer: Any) -> Any:
        base = AUTH0 + ".well-known/"
        desk.documents[base + "openid-configuration"] = {
            "issuer": AUTH0,
            "jwks_uri": base + "jwks.json",
        }
        desk.documents[base + "jwks.json"] = {"keys": [next_signer.jwk, ec_signer.jwk]}
        auth0 = TrustedIssuer(AUTH0, "parts", ("RS256", "ES256"), ("scope", "permissions"))
        return make_verifier(TrustedIssuer(OKTA, "api://default"), auth0)

    async def test_each_issuers_tokens_pass_by_its_own_audience_and_claims(
        self, verifier: Any, signer: Any, next_signer: Any, ec_signer: Any
    ) -> None:
        okta = await verifier.verify(signer.token(scope="other"))
        changes = {"iss": AUTH0, "aud": ["parts", "userinfo"], "scp": ..., "scope": "a b"}
        auth0 = await verifier.verify(next_signer.token(permissions=["c"], **changes))
        curve = await verifier.verify(ec_signer.token(**changes))
        assert okta.scopes == {"items"}
        assert auth0.scopes == {"a", "b", "c"}
        assert curve.scopes == {"a", "b"}

    async def test_one_issuers_key_does_not_sign_for_another(
        self, verifier: Any, signer: Any, next_signer: Any
    ) -> None:
        for token in (signer.token(iss=AUTH0, aud="parts"), next_signer.token()):
            with pytest.raises(Unauthorized) as refused:
                await verifier.verify(token)
            assert refused.value.reason == "key-unknown"

    async def test_one_issuers_audience_does_not_count_for_another(
        self, verifier: Any, signer: Any
    ) -> None:
        with pytest.raises(Unauthorized):
            await verifier.verify(signer.token(aud="parts"))

    async def test_one_issuers_algorithms_do_not_count_for_another(
        self, verifier: Any, ec_signer: Any
    ) -> None:
        with pytest.raises(Unauthorized) as refused:
            await verifier.verify(ec_signer.token())
        assert refused.value.reason == "algorithm-not-trusted"

    async def test_an_issuer_that_is_not_trusted_is_refused_before_any_fetch(
        self, verifier: Any, forger: Any, desk: Any
    ) -> None:
        with pytest.raises(Unauthorized):
            await verifier.verify(forger.token(iss="https://evil.example"))
        assert not desk.asked

    async def test_warming_up_fetches_all_keys_and_survives_an_issuer_that_is_down(
        self, verifier: Any, desk: Any, signer: Any
    ) -> None:
        del desk.documents[AUTH0 + ".well-known/jwks.json"]
        await verifier.warm()
        asked = len(desk.asked)
        await verifier.verify(signer.token())
        assert len(desk.asked) == asked


@pytest.mark.parametrize("algorithm", ["RS384", "RS512"])
async def test_the_longer_hashes_pass_where_they_are_trusted(
    make_verifier: Any, make_signer: Any, desk: Any, algorithm: str
) -> None:
    other = make_signer("key-1", algorithm)
    desk.serve(other.jwk)
    trusted = TrustedIssuer(OKTA, "api://default", algorithms=(algorithm,))
    assert (await make_verifier(trusted).verify(other.token())).client_id == "client-1"


class CountedKey:
    """Counts the signatures that are really computed."""

    def __init__(self, key: Any) -> None:
        self.key, self.calls = key, 0

    def verify(self, message: bytes, signature: bytes) -> bool:
        self.calls += 1
        return bool(self.key.verify(message, signature))


@pytest.mark.parametrize(
    ("scp", "scopes"),
    [("a  b ", {"a", "b"}), (["a", "", "b c"], {"a", "b c"}), ("", set()), ("a\tb", {"a\tb"})],
)
async def test_only_a_blank_divides_scopes_and_only_in_a_string(
    make_verifier: Any, signer: Any, scp: Any, scopes: set[str]
) -> None:
    assert (await make_verifier().verify(signer.token(scp=scp))).scopes == scopes


async def test_a_signed_token_over_16_kilobytes_is_refused(make_verifier: Any, signer: Any) -> None:
    verifier = make_verifier()
    await verifier.verify(signer.token(padding="x" * 11_000))
    with pytest.raises(Unauthorized) as refused:
        await verifier.verify(signer.token(padding="x" * 12_500))
    assert refused.value.reason == "token-too-large"


class TestCache:
    async def _counted(self, verifier: Any) -> CountedKey:
        await verifier.warm()
        keys = verifier._jwks_caches[OKTA].keys.keys
        counted = CountedKey(keys["key-1", "RS256"][0])
        keys["key-1", "RS256"] = (counted,)
        return counted

    async def test_the_signature_of_a_token_is_computed_once(
        self, make_verifier: Any, signer: Any
    ) -> None:
        verifier = make_verifier()
        counted = await self._counted(verifier)
        token = signer.token()
        grants = [await verifier.verify(token) for _ in range(3)]
        assert counted.calls == 1
        assert grants[0] is grants[2]

    async def test_the_expiry_of_a_token_is_judged_each_time(
        self, make_verifier: Any, signer: Any, wall: Any
    ) -> None:
        verifier, token = make_verifier(), signer.token(exp=wall.now + 60)
        counted = await self._counted(verifier)
        await verifier.verify(token)
        wall.now += 64.9
        await verifier.verify(token)
        wall.now += 0.1
        with pytest.raises(Unauthorized) as refused:
            await verifier.verify(token)
        assert refused.value.message == "Jwt is expired"
        assert counted.calls == 1

    async def test_the_audience_is_judged_each_time(self, make_verifier: Any, signer: Any) -> None:
        verifier, token = make_verifier(), signer.token()
        await verifier.verify(token)
        verifier._jwks_caches[OKTA].trusted = TrustedIssuer(OKTA, "another")
        with pytest.raises(Unauthorized) as refused:
            await verifier.verify(token)
        assert refused.value.reason == "claim-aud"

    async def test_a_clock_set_back_makes_a_token_not_yet_valid(
        self, make_verifier: Any, signer: Any, wall: Any
    ) -> None:
        verifier, token = make_verifier(), signer.token(nbf=wall.now)
        await verifier.verify(token)
        wall.now -= 6
        with pytest.raises(Unauthorized) as refused:
            await verifier.verify(token)
        assert refused.value.reason == "token-not-yet-valid"

    async def test_revocation_is_asked_for_each_time(self, make_verifier: Any, signer: Any) -> None:
        revoked: set[str] = set()
        verifier = make_verifier(revoked=lambda claims: claims["jti"] in revoked)
        token = signer.token()
        await verifier.verify(token)
        revoked.add("AT.1")
        with pytest.raises(Unauthorized) as refused:
            await verifier.verify(token)
        assert refused.value.reason == "token-revoked"
        revoked.clear()
        await verifier.verify(token)

    async def test_a_token_revoked_before_it_was_seen_is_refused(
        self, make_verifier: Any, signer: Any
    ) -> None:
        with pytest.raises(Unauthorized):
            await make_verifier(revoked=lambda _: True).verify(signer.token())

    async def test_a_withdrawn_key_ends_the_tokens_it_signed(
        self, make_verifier: Any, signer: Any, next_signer: Any, desk: Any, steady: Any
    ) -> None:
        verifier, token = make_verifier(), signer.token()
        await verifier.verify(token)
        desk.serve(next_signer.jwk)
        steady.now = 600
        with pytest.raises(Unauthorized) as refused:
            await verifier.verify(token)
        assert refused.value.reason == "key-unknown"

    async def test_a_key_withdrawn_by_a_renewal_in_the_background_counts_at_once(
        self, make_verifier: Any, signer: Any, next_signer: Any, desk: Any, steady: Any
    ) -> None:
        verifier, token = make_verifier(), signer.token()
        await verifier.verify(token)
        desk.serve(next_signer.jwk)
        steady.now = 480
        await verifier.verify(token)  # starts the renewal
        await asyncio.wait({verifier._jwks_caches[OKTA]._fetch_task})
        with pytest.raises(Unauthorized) as refused:
            await verifier.verify(token)
        assert refused.value.reason == "key-unknown"

    async def test_a_confirmed_set_of_keys_keeps_what_was_verified(
        self, make_verifier: Any, signer: Any, steady: Any
    ) -> None:
        verifier, token = make_verifier(), signer.token()
        counted = await self._counted(verifier)
        await verifier.verify(token)
        steady.now = 600
        await verifier.verify(token)  # waits for the renewal, so judged anew
        await verifier.verify(token)
        assert counted.calls == 2

    async def test_a_hit_makes_no_task_but_when_a_renewal_is_due(
        self, make_verifier: Any, signer: Any, steady: Any
    ) -> None:
        verifier, token = make_verifier(), signer.token()
        await verifier.verify(token)
        before = asyncio.all_tasks()
        await verifier.verify(token)
        assert asyncio.all_tasks() == before
        steady.now = 480
        for _ in range(3):
            await verifier.verify(token)
        assert len(asyncio.all_tasks()) == len(before) + 1
        await verifier.aclose()

    async def test_cached_tokens_end_with_the_day_that_stale_keys_have(
        self, make_verifier: Any, signer: Any, desk: Any, steady: Any
    ) -> None:
        verifier, token = make_verifier(), signer.token()
        await verifier.verify(token)
        desk.documents.clear()
        steady.now = 600
        await verifier.verify(token)
        steady.now = 25 * 3600
        with pytest.raises(ServiceUnavailable):
            await verifier.verify(token)

    async def test_the_cache_holds_so_many_and_drops_the_one_unused_for_longest(
        self, make_verifier: Any, signer: Any
    ) -> None:
        verifier = make_verifier(cache_size=2)
        counted = await self._counted(verifier)
        first, second, third = (signer.token(jti=str(n)) for n in range(3))
        for token in (first, second, first, third, first):
            await verifier.verify(token)
        assert counted.calls == 3
        assert len(verifier._cache) == 2
        await verifier.verify(second)
        assert counted.calls == 4

    async def test_a_cache_of_no_size_is_switched_off(
        self, make_verifier: Any, signer: Any
    ) -> None:
        verifier, token = make_verifier(cache_size=0), signer.token()
        counted = await self._counted(verifier)
        await verifier.verify(token)
        await verifier.verify(token)
        assert counted.calls == 2

    async def test_refused_tokens_are_not_kept(
        self, make_verifier: Any, forger: Any, signer: Any
    ) -> None:
        verifier = make_verifier()
        for token in (forger.token(), signer.token(exp=1), signer.token(aud="x")):
            with pytest.raises(Unauthorized):
                await verifier.verify(token)
        assert len(verifier._cache) == 0

    async def test_the_claims_of_a_cached_token_cannot_be_changed(
        self, make_verifier: Any, signer: Any
    ) -> None:
        grant = await make_verifier().verify(signer.token())
        with pytest.raises(TypeError):
            grant.claims["scp"] = ["everything"]


@pytest.mark.parametrize("error", [RecursionError, OverflowError, TypeError, KeyError, ValueError])
async def test_whatever_the_library_raises_is_an_invalid_token(
    make_verifier: Any, signer: Any, error: type[Exception]
) -> None:
    class Broken:
        def verify(self, _message: bytes, _signature: bytes) -> bool:
            raise error("text of the library")

    verifier = make_verifier()
    await verifier.warm()
    verifier._jwks_caches[OKTA].keys.keys["key-1", "RS256"] = (Broken(),)
    with pytest.raises(Unauthorized) as refused:
        await verifier.verify(signer.token())
    assert refused.value.message == "Jwt is not valid"
    assert refused.value.reason == f"unexpected-{error.__name__}"


async def test_a_cold_verification_and_a_hit_cost_what_was_promised_within_reason(
    make_verifier: Any, signer: Any
) -> None:
    # Ten times the figures of a quiet machine: this catches a fetch or a PEM parsed per request.
    verifier = make_verifier()
    await verifier.warm()
    tokens = [signer.token(jti=str(n)) for n in range(50)]
    begin = time.process_time()
    for token in tokens:
        await verifier.verify(token)
    cold = time.process_time()
    for token in tokens:
        await verifier.verify(token)
    hit = time.process_time()
    assert (cold - begin) / 50 < 1.2e-3
    assert (hit - cold) / 50 < 1.0e-4


@pytest.mark.processes
def test_importing_the_gate_loads_no_framework_and_no_client() -> None:
    code = (
        "import json, sys, encore.auth;"
        "print(json.dumps([m for m in ('httpx', 'fastapi', 'pydantic') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert json.loads(done.stdout) == []
