"""`python -m benchmarks.auth_verification`: cost of verifying tokens, without HTTP.

CPU time of an RS256 verification and of a token cache hit, memory after 10,000 distinct tokens, and
how often keys are fetched for 1,000 forged key ids in a minute. The issuer is in memory; tokens are
signed before anything is timed.
"""

import asyncio
import gc
import json
import resource
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jose.utils import base64url_encode

from encore.auth import JWTVerifier, TrustedIssuer
from encore.auth.jwks import parse_key_set
from encore.auth.jws import parse_jwt
from encore.errors import ApiError
from encore.issuer.signing import SigningKey

ISSUER: Final = "https://issuer.example/oauth2/default"
TOKENS: Final = 10_000
FORGED: Final = 1_000
ROUNDS: Final = 5
_PAGE_KIB: Final = resource.getpagesize() // 1024


class FakeIssuer:
    """An issuer in memory that counts the requests."""

    def __init__(self, key: SigningKey) -> None:
        uri = f"{ISSUER}/v1/keys"
        self._documents = {
            f"{ISSUER}/.well-known/openid-configuration": {"issuer": ISSUER, "jwks_uri": uri},
            uri: key.jwks(),
        }
        self.requests = 0

    async def __call__(self, url: str) -> bytes:
        """Return a document."""
        self.requests += 1
        return json.dumps(self._documents[url]).encode()


def sign_token(key: SigningKey, number: int) -> bytes:
    """Return a token with Okta's claims and usual size."""
    now = int(time.time())
    claims = {
        "ver": 1,
        "jti": f"AT.{number:032x}",
        "iss": ISSUER,
        "aud": "api://default",
        "iat": now,
        "exp": now + 3600,
        "cid": f"client-{number}",
        "scp": ["parts_manager"],
        "sub": f"client-{number}",
    }
    return key.sign(claims).encode()


def read_resident_kib() -> int:
    """Return the resident memory of this process, in KiB."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE_KIB


async def measure_cpu_time(verifier: JWTVerifier, tokens: Sequence[bytes]) -> float:
    """Return the CPU time of one verification, in microseconds."""
    started = time.process_time()
    for token in tokens:
        await verifier.verify(token)
    return (time.process_time() - started) / len(tokens) * 1e6


async def measure_cost(key: SigningKey, tokens: Sequence[bytes]) -> None:
    """Print the cost of verifications, of the signature alone, and of cache hits."""
    trusted = TrustedIssuer(ISSUER, "api://default")
    verifications, hits, signatures = [], [], []
    sample = tokens[:2000]
    (jose_key,) = parse_key_set(key.jwks(), ("RS256",)).select(key.kid, "RS256")
    parsed = [parse_jwt(token) for token in sample]
    for _ in range(ROUNDS):
        verifier = JWTVerifier([trusted], fetch=FakeIssuer(key))
        await verifier.warm()
        verifications.append(await measure_cpu_time(verifier, sample))
        hits.append(await measure_cpu_time(verifier, sample))
        started = time.process_time()
        for token in parsed:
            jose_key.verify(token.signed, token.signature)
        signatures.append((time.process_time() - started) / len(parsed) * 1e6)
    for name, rounds in (
        ("verification", verifications),
        ("signature alone", signatures),
        ("cache hit", hits),
    ):
        spread = f"{min(rounds):.1f} to {max(rounds):.1f}"
        print(f"{name:<22}{statistics.median(rounds):8.1f} us CPU time   ({spread})")


async def measure_memory(key: SigningKey, tokens: Sequence[bytes]) -> None:
    """Print how memory grows with distinct tokens, up to the size of the cache."""
    verifier = JWTVerifier([TrustedIssuer(ISSUER, "api://default")], fetch=FakeIssuer(key))
    await verifier.warm()
    before = read_resident_kib()
    for count, token in enumerate(tokens, 1):
        await verifier.verify(token)
        if count in (2_000, 4_096, 7_000, len(tokens)):
            print(f"{count:>6} distinct tokens   +{(read_resident_kib() - before) / 1024:.1f} MiB")


async def count_fetches(key: SigningKey) -> None:
    """Print how often keys are fetched for forged key ids within a minute of the fake clock."""
    issuer = FakeIssuer(key)
    clock = [0.0]
    trusted = TrustedIssuer(ISSUER, "api://default")
    verifier = JWTVerifier([trusted], fetch=issuer, steady_clock=lambda: clock[0])
    valid = sign_token(key, 1)
    await verifier.verify(valid)
    before = issuer.requests
    _, _, rest = valid.partition(b".")
    rejected = verified = 0
    for number in range(FORGED):
        clock[0] += 60 / FORGED
        header = json.dumps({"kid": f"forged-{number}", "alg": "RS256"}).encode()
        try:
            await verifier.verify(base64url_encode(header) + b"." + rest)
        except ApiError:
            rejected += 1
        await verifier.verify(valid)
        verified += 1
    print(
        f"{FORGED} forged key ids in a minute: {issuer.requests - before} fetches,"
        f" {rejected} rejected, {verified} valid tokens verified in between"
    )


def main() -> None:
    """Measure and print."""
    key = SigningKey()
    print(f"signing {TOKENS} tokens ...", flush=True)
    tokens = [sign_token(key, number) for number in range(TOKENS)]
    gc.collect()
    gc.freeze()  # As the service does: later collections skip what exists at start-up.
    asyncio.run(measure_memory(key, tokens))
    asyncio.run(measure_cost(key, tokens))
    asyncio.run(count_fetches(key))


if __name__ == "__main__":
    main()
