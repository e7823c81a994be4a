"""Which keys of a JWK set are used, and that the others do no harm."""

import json
from typing import Any

import pytest

from encore.auth.jwks import MAX_KEYS, KeySet, parse_key_set

RS256 = ("RS256",)


def _read(*jwks: Any, algorithms: tuple[str, ...] = RS256) -> KeySet:
    return parse_key_set({"keys": list(jwks)}, algorithms)


HOSTILE: list[tuple[Any, str]] = [
    (None, "not-an-object"),
    ([], "not-an-object"),
    ({}, "no-kid"),
    ({"kid": None}, "no-kid"),
    ({"kid": ""}, "no-kid"),
    ({"kid": "key-1"}, "kty"),
    ({"kid": "key-1", "kty": "OKP", "crv": "Ed25519", "x": "AAAA"}, "kty"),
    ({"kid": "key-1", "kty": "oct", "k": "c2VjcmV0"}, "kty"),
    ({"kid": "key-1", "kty": ["RSA"]}, "kty"),
    ({"kid": "key-1", "kty": "RSA"}, "member-n"),
    ({"kid": "key-1", "kty": "RSA", "n": 5, "e": "AQAB"}, "member-n"),
    ({"kid": "key-1", "kty": "RSA", "n": "A" * 9000, "e": "AQAB"}, "member-n"),
    ({"kid": "key-1", "kty": "RSA", "n": "AQAB", "e": "AQAB"}, "rsa-size"),
    ({"kid": "key-1", "kty": "RSA", "n": "A" + "_" * 1366, "e": "AQAB"}, "rsa-size"),
    ({"kid": "key-1", "kty": "RSA", "n": "\xe9", "e": "AQAB"}, "UnicodeEncodeError"),
    ({"kid": "key-1", "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}, "alg"),
]


@pytest.mark.parametrize(("jwk", "code"), HOSTILE)
def test_an_unusable_key_before_the_right_one_is_passed_over(
    signer: Any, jwk: Any, code: str
) -> None:
    keys = _read(jwk, signer.jwk)
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
]


@pytest.mark.parametrize(("change", "code"), CHANGES)
def test_a_key_for_another_purpose_is_passed_over(
    signer: Any, change: dict[str, Any], code: str
) -> None:
    keys = _read(signer.jwk | change)
    assert not keys
    assert keys.skipped == (("key-1", code),)


def test_rsa_keys_under_2048_bits_are_passed_over(weak_signer: Any) -> None:
    assert _read(weak_signer.jwk).skipped == (("key-weak", "rsa-size"),)


def test_a_point_off_its_curve_is_passed_over(ec_signer: Any) -> None:
    jwk = ec_signer.jwk | {"y": ec_signer.jwk["x"]}
    assert not _read(jwk, algorithms=("ES256",))


def test_a_key_without_alg_serves_each_trusted_algorithm_by_a_key_of_its_own(signer: Any) -> None:
    jwk = {name: value for name, value in signer.jwk.items() if name != "alg"}
    keys = _read(jwk, algorithms=("RS256", "RS384", "ES256"))
    (sha256,), (sha384,) = keys.select("key-1", "RS256"), keys.select("key-1", "RS384")
    signature = signer.key.sign(b"message")
    assert sha256.verify(b"message", signature)
    assert not sha384.verify(b"message", signature)
    assert not keys.select("key-1", "ES256")


def test_an_ec_key_serves_the_one_algorithm_of_its_curve(ec_signer: Any) -> None:
    jwk = {name: value for name, value in ec_signer.jwk.items() if name != "alg"}
    keys = _read(jwk, algorithms=("ES256", "ES384", "RS256"))
    assert set(keys.keys) == {("key-ec", "ES256")}


def test_of_two_keys_with_one_kid_both_are_kept(signer: Any, forger: Any) -> None:
    keys = _read(signer.jwk, forger.jwk)
    assert len(keys.select("key-1", "RS256")) == 2


def test_the_same_key_twice_is_one_key(signer: Any) -> None:
    assert len(_read(signer.jwk, signer.jwk).select("key-1", "RS256")) == 1


def test_one_kid_over_and_over_costs_a_bounded_number_of_checks(signer: Any) -> None:
    exponents = ["AQAB", "Aw", "BQ", "Bw", "CQ", "Cw", "DQ"]
    jwks = [signer.jwk | {"e": exponent} for exponent in exponents]
    assert len(_read(*jwks).select("key-1", "RS256")) == 4


def test_of_very_many_keys_the_first_hundred_are_read(signer: Any) -> None:
    jwks = [signer.jwk | {"kid": str(number)} for number in range(MAX_KEYS + 1)]
    assert len(_read(*jwks).kids) == MAX_KEYS


def test_two_sets_are_the_same_whatever_their_order(signer: Any, next_signer: Any) -> None:
    one, other = _read(signer.jwk, next_signer.jwk), _read(next_signer.jwk, signer.jwk)
    assert one.fingerprints == other.fingerprints
    assert one.fingerprints != _read(signer.jwk).fingerprints


@pytest.mark.parametrize("text", ["[]", "{}", '{"keys": {}}', '{"keys": null}', '"keys"', "1"])
def test_what_is_no_key_set_is_refused_whole(text: str) -> None:
    with pytest.raises(ValueError, match="not a JWK set"):
        parse_key_set(json.loads(text), RS256)
