"""Parsing of JWK sets: which keys are used and which are skipped."""

import json
from typing import Any

import pytest

from encore.auth import ALGORITHMS
from encore.auth.jwks import MAX_KEYS, KeySet, parse_key_set

RS256 = ("RS256",)


def _parse(*jwks: Any, algorithms: tuple[str, ...] = RS256) -> KeySet:
    return parse_key_set({"keys": list(jwks)}, algorithms)


UNUSABLE: list[tuple[Any, str]] = [
    (None, "not-an-object"),
    ([], "not-an-object"),
    ({}, "kty"),
    ({"kid": None}, "kid"),
    ({"kid": ""}, "kid"),
    ({"kid": 7}, "kid"),
    ({"kid": "key-1"}, "kty"),
    ({"kid": "key-1", "kty": "oct", "k": "c2VjcmV0"}, "kty"),
    ({"kid": "key-1", "kty": ["RSA"]}, "kty"),
    ({"kid": "key-1", "kty": "RSA"}, "member-n"),
    ({"kid": "key-1", "kty": "RSA", "n": 5, "e": "AQAB"}, "member-n"),
    ({"kid": "key-1", "kty": "RSA", "n": "A" * 9000, "e": "AQAB"}, "member-n"),
    ({"kid": "key-1", "kty": "RSA", "n": "AQAB", "e": "AQAB"}, "rsa-size"),
    ({"kid": "key-1", "kty": "RSA", "n": "E" + "_" * 1367, "e": "AQAB"}, "rsa-size"),
    ({"kid": "key-1", "kty": "RSA", "n": "\xe9", "e": "AQAB"}, "rsa-modulus-encoding"),
    ({"kid": "key-1", "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}, "ec-coordinate"),
    ({"kid": "key-1", "kty": "EC", "crv": "secp256k1", "x": "AAAA", "y": "AAAA"}, "crv"),
    ({"kid": "key-1", "kty": "OKP", "crv": "X25519", "x": "AAAA"}, "crv"),
    ({"kid": "key-1", "kty": "OKP", "crv": "Ed25519", "x": "AAAA"}, "okp-encoding"),
]


@pytest.mark.parametrize(("jwk", "code"), UNUSABLE)
def test_unusable_key_before_a_usable_one_is_skipped(signer: Any, jwk: Any, code: str) -> None:
    keys = _parse(jwk, signer.jwk)
    assert len(keys.select("key-1", "RS256")) == 1
    assert keys.skipped[0][1] == code


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"use": "enc"}, "use"),
    ({"use": None}, "use"),
    ({"key_ops": ["sign"]}, "key-ops"),
    ({"key_ops": "verify"}, "key-ops"),
    ({"alg": "RS512"}, "alg"),
    ({"alg": "RSA-OAEP"}, "alg"),
    ({"alg": None}, "alg"),
    ({"d": "AQAB"}, "private-key"),
    ({"e": "AQ"}, "rsa-exponent"),
    ({"e": "BA"}, "rsa-exponent"),
    ({"e": "AQAAAAAB"}, "rsa-exponent"),
    ({"e": "Aw"}, "rsa-small-exponent"),
    ({"e": "AQAA"}, "rsa-exponent"),
    ({"e": "AQAB="}, "rsa-exponent-encoding"),
    ({"e": "AQAC"}, "rsa-exponent"),
    ({"e": "AAEAAQ"}, "rsa-exponent-encoding"),
]


@pytest.mark.parametrize(("change", "code"), CHANGES)
def test_key_for_another_purpose_is_skipped(signer: Any, change: dict[str, Any], code: str) -> None:
    keys = _parse(signer.jwk | change)
    assert not keys
    assert keys.skipped == (("key-1", code),)


def test_rsa_key_under_2048_bits_is_skipped(weak_signer: Any) -> None:
    assert _parse(weak_signer.jwk).skipped == (("key-weak", "rsa-size"),)


def test_ec_key_with_point_off_the_curve_is_skipped(ec_signer: Any) -> None:
    jwk = ec_signer.jwk | {"y": ec_signer.jwk["x"]}
    assert not _parse(jwk, algorithms=("ES256",))


def test_key_without_alg_is_used_for_each_trusted_algorithm(signer: Any) -> None:
    jwk = {name: value for name, value in signer.jwk.items() if name != "alg"}
    keys = _parse(jwk, algorithms=("RS256", "RS384", "ES256"))
    (sha256,), (sha384,) = keys.select("key-1", "RS256"), keys.select("key-1", "RS384")
    signature = signer.key.sign(b"message")
    assert sha256.verify(b"message", signature)
    assert not sha384.verify(b"message", signature)
    assert not keys.select("key-1", "ES256")


def test_ec_key_is_used_only_for_the_algorithm_of_its_curve(ec_signer: Any) -> None:
    jwk = {name: value for name, value in ec_signer.jwk.items() if name != "alg"}
    keys = _parse(jwk, algorithms=("ES256", "ES384", "RS256"))
    assert set(keys.keys) == {("key-ec", "ES256")}


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_key_of_each_algorithm_verifies_its_signatures_only(
    make_signer: Any, algorithm: str
) -> None:
    signer = make_signer("key-1", algorithm)
    jwk = {name: value for name, value in signer.jwk.items() if name != "alg"}
    (key,) = _parse(jwk, algorithms=(algorithm,)).select("key-1", algorithm)
    signature = signer.key.sign(b"message")
    assert key.verify(b"message", signature)
    assert not key.verify(b"massage", signature)
    assert not key.verify(b"message", b"")
    assert not key.verify(b"message", signature + b"\0")
    assert not key.verify(b"message", signature[:-1])
    others = [
        other
        for other in ALGORITHMS - {algorithm}
        for key in _parse(jwk, algorithms=(other,)).select("key-1", other)
        if key.verify(b"message", signature)
    ]
    # EdDSA is the older name of both (RFC 9864).
    same = {"EdDSA": ["Ed25519"], "Ed25519": ["EdDSA"], "Ed448": ["EdDSA"]}
    assert others == same.get(algorithm, [])


def test_key_with_the_alg_of_another_padding_is_skipped(make_signer: Any) -> None:
    assert _parse(make_signer("key-1", "PS256").jwk).skipped == (("key-1", "alg"),)


def _without_kid(signer: Any) -> dict[str, Any]:
    return {name: value for name, value in signer.jwk.items() if name != "kid"}


class TestWithoutKid:
    """``kid`` is optional in tokens and in keys, where just one key fits."""

    def test_token_without_kid_fits_the_only_key_of_its_algorithm(
        self, signer: Any, ec_signer: Any
    ) -> None:
        keys = _parse(signer.jwk, ec_signer.jwk, algorithms=("RS256", "ES256"))
        assert keys.select(None, "RS256") == keys.select("key-1", "RS256")
        assert keys.select(None, "ES256") == keys.select("key-ec", "ES256")

    def test_token_without_kid_fits_none_of_two_keys(self, signer: Any, next_signer: Any) -> None:
        assert not _parse(signer.jwk, next_signer.jwk).select(None, "RS256")
        assert not _parse(signer.jwk, _without_kid(next_signer)).select(None, "RS256")

    def test_token_without_kid_fits_none_of_two_keys_with_one_kid(
        self, signer: Any, forger: Any
    ) -> None:
        assert not _parse(signer.jwk, forger.jwk).select(None, "RS256")

    def test_key_without_kid_fits_any_token_where_it_is_the_only_one(
        self, signer: Any, ec_signer: Any
    ) -> None:
        keys = _parse(_without_kid(signer), ec_signer.jwk, algorithms=("RS256", "ES256"))
        assert len(keys.select(None, "RS256")) == 1
        assert len(keys.select("any", "RS256")) == 1
        assert not keys.select("any", "ES256")
        assert not keys.select("key-ec", "RS256")
        assert keys.usable == 2

    def test_key_without_kid_fits_no_token_beside_another_key(
        self, signer: Any, next_signer: Any
    ) -> None:
        keys = _parse(_without_kid(signer), next_signer.jwk)
        assert not keys.select("any", "RS256")
        assert len(keys.select("key-2", "RS256")) == 1
        two = _parse(_without_kid(signer), _without_kid(next_signer))
        assert not two.select("any", "RS256")
        assert not two.select(None, "RS256")

    def test_unusable_keys_do_not_count(self, signer: Any, weak_signer: Any) -> None:
        encryption = _without_kid(weak_signer) | {"use": "enc"}
        keys = _parse(_without_kid(weak_signer), encryption, _without_kid(signer))
        assert len(keys.select("any", "RS256")) == 1
        assert keys.skipped == (("", "rsa-size"), ("", "use"))


def test_two_keys_with_one_kid_are_both_kept(signer: Any, forger: Any) -> None:
    keys = _parse(signer.jwk, forger.jwk)
    assert len(keys.select("key-1", "RS256")) == 2


def test_duplicate_key_is_kept_once(signer: Any) -> None:
    assert len(_parse(signer.jwk, signer.jwk).select("key-1", "RS256")) == 1


def test_keys_with_one_kid_are_limited_to_four(signer: Any) -> None:
    exponents = ["AQAB", "Aw", "BQ", "Bw", "CQ", "Cw", "DQ"]
    jwks = [signer.jwk | {"e": exponent} for exponent in exponents]
    keys = parse_key_set({"keys": jwks}, RS256, min_rsa_exponent=3)
    assert len(keys.select("key-1", "RS256")) == 4


def test_only_the_first_hundred_keys_are_read(signer: Any) -> None:
    jwks = [signer.jwk | {"kid": str(number)} for number in range(MAX_KEYS + 1)]
    assert len(_parse(*jwks).kids) == MAX_KEYS


def test_fingerprints_do_not_depend_on_the_order_of_keys(signer: Any, next_signer: Any) -> None:
    first, second = _parse(signer.jwk, next_signer.jwk), _parse(next_signer.jwk, signer.jwk)
    assert first.fingerprints == second.fingerprints
    assert first.fingerprints != _parse(signer.jwk).fingerprints


@pytest.mark.parametrize("document", ["[]", "{}", '{"keys": {}}', '{"keys": null}', '"keys"', "1"])
def test_document_that_is_not_a_key_set_is_rejected(document: str) -> None:
    with pytest.raises(ValueError, match="not a JWK set"):
        parse_key_set(json.loads(document), RS256)
