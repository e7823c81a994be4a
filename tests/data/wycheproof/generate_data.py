"""Write the data of this folder from a clone of github.com/C2SP/wycheproof.

Run ``python tests/data/wycheproof/generate_data.py CLONE``.
"""

import json
import lzma
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any, Final

FILES: Final = {
    "RS256": ["rsa_signature_2048_sha256", "rsa_signature_3072_sha256"],
    "RS384": ["rsa_signature_2048_sha384"],
    "RS512": ["rsa_signature_2048_sha512"],
    "PS256": [
        "rsa_pss_2048_sha256_mgf1_32",
        "rsa_pss_2048_sha256_mgf1_0",
        "rsa_pss_2048_sha256_mgf1sha1_20",
    ],
    "PS384": ["rsa_pss_2048_sha384_mgf1_48"],
    "PS512": ["rsa_pss_4096_sha512_mgf1_64", "rsa_pss_2048_sha512_mgf1sha256_32_params"],
    "PSS": ["rsa_pss_misc"],
    "ES256": ["ecdsa_secp256r1_sha256_p1363"],
    "ES384": ["ecdsa_secp384r1_sha384_p1363"],
    "ES512": ["ecdsa_secp521r1_sha512_p1363"],
    "EdDSA": ["ed25519", "ed448"],
    "JWS": ["json_web_signature", "json_web_key"],
}
CURVES: Final = {
    # JWK's name, and the length of a coordinate in octets.
    "secp256r1": ("P-256", 32),
    "secp384r1": ("P-384", 48),
    "secp521r1": ("P-521", 66),
}


def encode(octets: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def encode_hex(text: str) -> str:
    """Return the base64url of octets in hexadecimal."""
    return encode(bytes.fromhex(text))


def encode_number(text: str, length: int | None = None) -> str:
    """Return the base64url of a number in hexadecimal, by default of the fewest octets."""
    number = int(text, 16)
    return encode(number.to_bytes(length or (number.bit_length() + 7) // 8))


def build_jwk(file: str, public: dict[str, Any]) -> dict[str, str]:
    """Return the JWK of a group's key."""
    if file.startswith("rsa"):
        numbers = {"n": public["modulus"], "e": public["publicExponent"]}
        return {"kty": "RSA"} | {name: encode_number(text) for name, text in numbers.items()}
    if file.startswith("ecdsa"):
        curve, length = CURVES[public["curve"]]
        x, y = (encode_number(public[name], length) for name in ("wx", "wy"))
        return {"kty": "EC", "crv": curve, "x": x, "y": y}
    return {"kty": "OKP", "crv": file.capitalize(), "x": encode_hex(public["pk"])}


def convert_group(file: str, group: dict[str, Any]) -> dict[str, Any]:
    """Return a group in the form of the data."""
    tests = group["tests"]
    if file.startswith("json_web"):
        rows = [[test[name] for name in ("tcId", "comment", "jws", "result")] for test in tests]
        key = group.get("public") or group["private"]
        return {"comment": group["comment"], "key": key, "tests": rows}
    converted: dict[str, Any] = {"key": build_jwk(file, group["publicKey"])}
    if "sLen" in group:
        converted["pss"] = [group[name] for name in ("sha", "mgf", "mgfSha", "sLen")]
    converted["tests"] = [
        [test["tcId"], encode_hex(test["msg"]), encode_hex(test["sig"]), test["result"]]
        for test in tests
    ]
    return converted


def convert(clone: Path, file: str) -> dict[str, Any]:
    """Return a file of vectors in the form of the data."""
    path = f"testvectors_v1/{file}_test.json"
    vectors = json.loads((clone / path).read_text(encoding="utf-8"))
    groups = [convert_group(file, group) for group in vectors["testGroups"]]
    return {"file": path, "numberOfTests": vectors["numberOfTests"], "groups": groups}


def main(clone: Path) -> None:
    """Write all files."""
    for name, files in FILES.items():
        sources = [convert(clone, file) for file in files]
        text = json.dumps(sources, separators=(",", ":"))
        path = Path(__file__).with_name(f"{name}.json.xz")
        path.write_bytes(lzma.compress(text.encode(), preset=9))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
