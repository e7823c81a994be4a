"""The signature vectors of Project Wycheproof, verified by the keys that verify tokens.

``tests/data/wycheproof/README.md`` says where they come from.
"""

import json
import lzma
from base64 import urlsafe_b64decode
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from encore.auth import ALGORITHMS, jws
from encore.auth.base64url import decode_base64url
from encore.auth.jwks import KeySet, parse_key_set
from encore.errors import Unauthorized

DATA: Final = Path(__file__).parents[1] / "data" / "wycheproof"

PSS: Final = {
    "PS256": ["SHA-256", "MGF1", "SHA-256", 32],
    "PS384": ["SHA-384", "MGF1", "SHA-384", 48],
    "PS512": ["SHA-512", "MGF1", "SHA-512", 64],
}
"""Hash, mask, its hash, and length of the salt of each algorithm (RFC 7518 section 3.5)."""

COUNTS: Final = {
    # Accepted and rejected signatures of each file, none of them wrongly.
    ("ES256", "ES256"): (173, 89),
    ("ES384", "ES384"): (193, 87),
    ("ES512", "ES512"): (231, 87),
    ("EdDSA", "EdDSA"): (105, 133),
    ("PS256", "PS256"): (64, 255),
    ("PS256", "PSS"): (1, 149),
    ("PS384", "PS384"): (95, 46),
    ("PS384", "PSS"): (1, 149),
    ("PS512", "PS512"): (132, 225),
    ("PS512", "PSS"): (1, 149),
    ("RS256", "RS256"): (17, 501),
    ("RS384", "RS384"): (7, 251),
    ("RS512", "RS512"): (8, 251),
}

SALT_OF_PS256: Final = (["SHA-256", "MGF1", "SHA-256", 0], 69)
"""A vector for an empty salt that is invalid since its salt has 32 octets, as PS256 wants."""

UNSUPPORTED: Final = {
    # Signatures that are valid by other rules than ours, by number and file.
    "json_web_signature": {
        *(1, 348, 352, 357, 358, 359, 372, 373, 376, 377),  # HMAC
        *(346, 350),  # PS384 with a key whose alg is PS256
        *(347, 351),  # ES512 with a key whose alg is ES521, which does not exist
    },
    "json_web_key": {2, 13, 14, 15},  # HMAC
}


def _sources(name: str) -> list[dict[str, Any]]:
    sources: list[dict[str, Any]] = json.loads(
        lzma.decompress((DATA / f"{name}.json.xz").read_bytes())
    )
    for source in sources:
        assert source["numberOfTests"] == sum(len(group["tests"]) for group in source["groups"])
    return sources


def _groups(name: str) -> list[dict[str, Any]]:
    return [group for source in _sources(name) for group in source["groups"]]


def _octets(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _expected(algorithm: str, group: dict[str, Any], test: list[Any]) -> set[bool]:
    """Return which results of a verification are right."""
    number, _, _, result = test
    pss = group.get("pss")
    if pss is not None and pss != PSS[algorithm]:
        return {algorithm == "PS256" and (pss, number) == SALT_OF_PS256}
    return {"valid": {True}, "invalid": {False}, "acceptable": {True, False}}[result]


@pytest.mark.parametrize(("algorithm", "name"), COUNTS)
def test_signatures_are_accepted_and_rejected_as_the_vectors_say(algorithm: str, name: str) -> None:
    counts: Counter[bool] = Counter()
    for group in _groups(name):
        # Some of the keys have the exponent 3.
        keys = parse_key_set({"keys": [group["key"]]}, (algorithm,), min_rsa_exponent=3)
        (key,) = keys.select(None, algorithm)
        for test in group["tests"]:
            verified = key.verify(_octets(test[1]), _octets(test[2]))
            assert verified in _expected(algorithm, group, test), (name, test[0])
            counts[verified] += 1
    assert (counts[True], counts[False]) == COUNTS[algorithm, name]


def _is_accepted(keys: KeySet, token: str) -> bool:
    """Verify a token as the gate does; its payload is not JSON."""
    segments = token.encode().split(b".")
    try:
        header, _, signature = map(decode_base64url, segments)  # ValueError for another number
        algorithm, kid, _ = jws._validate_header(jws.decode_object(header))
    except (ValueError, Unauthorized):
        return False
    signed = b".".join(segments[:2])
    return any(key.verify(signed, signature) for key in keys.select(kid, algorithm))


@pytest.mark.parametrize("index", [0, 1])
def test_tokens_are_accepted_and_rejected_as_the_vectors_say(index: int) -> None:
    source = _sources("JWS")[index]
    name = Path(source["file"]).stem.removesuffix("_test")
    for group in source["groups"]:
        key = group["key"]
        keys = parse_key_set(key if "keys" in key else {"keys": [key]}, ALGORITHMS)
        for number, comment, token, result in group["tests"]:
            expected = result == "valid" and number not in UNSUPPORTED[name]
            assert _is_accepted(keys, token) is expected, (number, comment)


def test_key_with_the_roca_vulnerability_is_skipped() -> None:
    (group,) = (group for group in _groups("JWS") if group["comment"] == "jws_rsa_roca_key")
    keys = parse_key_set(group["key"], ALGORITHMS)
    assert [code for _, code in keys.skipped] == ["rsa-roca"]
