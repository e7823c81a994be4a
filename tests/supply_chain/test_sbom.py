"""The bill of materials has each package of the lock file, with hashes and what needs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from supply_chain.__main__ import DEVELOPMENT, RUNTIME
from supply_chain.lock_file import LockedPackage, read_lock_file
from supply_chain.sbom import write_sbom
from tests.fixtures.system import ROOT

DIGEST = "0" * 64


def test_sbom_has_packages_hashes_and_dependencies() -> None:
    packages = [
        LockedPackage("first", "1.0", [("sha256", DIGEST)], is_direct=True),
        LockedPackage("second", "2.0", [("sha256", DIGEST)], needed_by={"first"}),
        LockedPackage("third", "3.0", [("sha256", DIGEST)], is_direct=True, needed_by={"second"}),
    ]
    bom = json.loads(write_sbom("project", "0.1", packages))
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    assert bom["metadata"]["component"]["name"] == "project"
    assert bom["components"][0] == {
        "bom-ref": "first==1.0",
        "hashes": [{"alg": "SHA-256", "content": DIGEST}],
        "name": "first",
        "purl": "pkg:pypi/first@1.0",
        "type": "library",
        "version": "1.0",
    }
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in bom["dependencies"]}
    assert needs == {
        "project": ["first==1.0", "third==3.0"],
        "first==1.0": ["second==2.0"],
        "second==2.0": ["third==3.0"],
        "third==3.0": [],
    }


def test_sbom_of_the_same_packages_has_the_same_serial_number() -> None:
    def package(version: str) -> LockedPackage:
        return LockedPackage("a", version, [("sha256", DIGEST)], is_direct=True)

    numbers = [json.loads(write_sbom("p", "1", [package(version)])) for version in ("1", "1", "2")]
    first, same, other = (bom["serialNumber"] for bom in numbers)
    assert first == same
    assert first != other


def test_every_package_of_the_lock_files_is_read() -> None:
    for path in (RUNTIME, DEVELOPMENT):
        packages = read_lock_file(path)
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(packages) == sum(not line.startswith((" ", "#")) for line in lines)
        names = {package.name for package in packages}
        for package in packages:
            assert package.hashes
            assert package.is_direct or package.needed_by
            assert package.needed_by <= names
    direct = {package.name for package in read_lock_file(RUNTIME) if package.is_direct}
    assert {"fastapi", "sqlalchemy", "python-jose"} <= direct
    assert "ecdsa" not in direct


@pytest.mark.parametrize("text", ["a>=1 \\\n", "a==1\n", "    # via a\n"])
def test_line_that_locks_nothing_is_rejected(tmp_path: Path, text: str) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match="a"):
        read_lock_file(path)


@pytest.mark.processes
def test_tokens_are_signed_and_verified_without_ecdsa_and_rsa() -> None:
    """python-jose requires both, but imports neither where cryptography is installed."""
    script = """
import sys
from jose import jwk
from jose.constants import ALGORITHMS
import encore.issuer.signing, encore.auth.jwt_verifier, encore.auth.signature_keys
from tests.fixtures.tokens import Signer
for algorithm in ("RS256", "ES256"):
    signer = Signer("k", algorithm)
    key = jwk.construct(signer.jwk, algorithm)
    assert key.verify(b"text", signer.key.sign(b"text"))
encore.issuer.signing.SigningKey()
print(sorted({"ecdsa", "rsa", "pyasn1"} & {name.partition(".")[0] for name in sys.modules}))
"""
    completed = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert completed.stdout == "[]\n"
