"""What verification costs by itself: ``python -m benchmarks.auth_verification``.

Cold RS256 verification and a hit of the cache in process time, memory after 10,000 distinct
tokens, and how often an issuer is asked by 1,000 forged kids in a minute. No network: the issuer
is in memory, and each token is signed before the clock runs.
"""

import asyncio
import gc
import json
import resource
import statistics
import time
from collections.abc import Sequence

from jose.utils import base64url_encode

from encore.auth import TrustedIssuer, Verifier
from encore.auth.jwks import read_key_set
from encore.auth.jws import parse
from encore.errors import ApiError
from encore.issuer.signing import SigningKey

ISSUER = "https://issuer.example/oauth2/default"
TOKENS = 10_000
FORGED = 1_000
ROUNDS = 5
_PAGE_KIB = resource.getpagesize() // 1024


class Desk:
    """An issuer in memory that counts its callers."""

    def __init__(self, key: SigningKey) -> None:
        uri = f"{ISSUER}/v1/keys"
        self._documents = {
            f"{ISSUER}/.well-known/openid-configuration": {"issuer": ISSUER, "jwks_uri": uri},
            uri: key.jwks(),
        }
        self.asked = 0

    async def __call__(self, url: str) -> bytes:
        """Give a document."""
        self.asked += 1
        return json.dumps(self._documents[url]).encode()


def okta_token(key: SigningKey, number: int, issuer: str = ISSUER) -> bytes:
    """Sign a token of Okta's shape and usual size."""
    now = int(time.time())
    claims = {
        "ver": 1,
        "jti": f"AT.{number:032x}",
        "iss": issuer,
        "aud": "api://default",
        "iat": now,
        "exp": now + 3600,
        "cid": f"client-{number}",
        "scp": ["parts_manager"],
        "sub": f"client-{number}",
    }
    return key.sign(claims).encode()


def resident_kib() -> int:
    """Give this process's resident memory, in KiB."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - one line of /proc
        return int(file.read().split()[1]) * _PAGE_KIB


async def process_microseconds(verifier: Verifier, tokens: Sequence[bytes]) -> float:
    """Give the process time of one verification, in microseconds."""
    begun = time.process_time()
    for token in tokens:
        await verifier.verify(token)
    return (time.process_time() - begun) / len(tokens) * 1e6


async def cost(key: SigningKey, tokens: Sequence[bytes]) -> None:
    """Report cold verifications, hits, and the signature alone."""
    trusted = TrustedIssuer(ISSUER, "api://default")
    cold, hits, bare = [], [], []
    sample = tokens[:2000]
    (jose_key,) = read_key_set(key.jwks(), ("RS256",)).select(key.kid, "RS256")
    parsed = [parse(token) for token in sample]
    for _ in range(ROUNDS):
        verifier = Verifier([trusted], fetch=Desk(key))
        await verifier.warm()
        cold.append(await process_microseconds(verifier, sample))
        hits.append(await process_microseconds(verifier, sample))
        begun = time.process_time()
        for token in parsed:
            jose_key.verify(token.signed, token.signature)
        bare.append((time.process_time() - begun) / len(parsed) * 1e6)
    for name, rounds in (("cold", cold), ("of it the signature", bare), ("cache hit", hits)):
        spread = f"{min(rounds):.1f} to {max(rounds):.1f}"
        print(f"{name:<22}{statistics.median(rounds):8.1f} us process time   ({spread})")


async def memory(key: SigningKey, tokens: Sequence[bytes]) -> None:
    """Report how memory grows with distinct tokens, and that it stops."""
    verifier = Verifier([TrustedIssuer(ISSUER, "api://default")], fetch=Desk(key))
    await verifier.warm()
    before = resident_kib()
    for count, token in enumerate(tokens, 1):
        await verifier.verify(token)
        if count in (2_000, 4_096, 7_000, len(tokens)):
            print(f"{count:>6} distinct tokens   +{(resident_kib() - before) / 1024:.1f} MiB")


async def forgeries(key: SigningKey) -> None:
    """Report what forged kids cost the issuer within one minute of its time."""
    desk = Desk(key)
    steady = [0.0]
    trusted = TrustedIssuer(ISSUER, "api://default")
    verifier = Verifier([trusted], fetch=desk, steady_clock=lambda: steady[0])
    good = okta_token(key, 1)
    await verifier.verify(good)
    before = desk.asked
    _, _, rest = good.partition(b".")
    refused = passed = 0
    for number in range(FORGED):
        steady[0] += 60 / FORGED
        header = json.dumps({"kid": f"forged-{number}", "alg": "RS256"}).encode()
        try:
            await verifier.verify(base64url_encode(header) + b"." + rest)
        except ApiError:
            refused += 1
        await verifier.verify(good)
        passed += 1
    print(
        f"{FORGED} forged kids in a minute: {desk.asked - before} fetches,"
        f" {refused} refused, {passed} good tokens passed among them"
    )


def main() -> None:
    """Measure and print."""
    key = SigningKey()
    print(f"signing {TOKENS} tokens ...", flush=True)
    tokens = [okta_token(key, number) for number in range(TOKENS)]
    gc.collect()
    gc.freeze()  # As the service does: what was there at start is not walked again.
    asyncio.run(memory(key, tokens))
    asyncio.run(cost(key, tokens))
    asyncio.run(forgeries(key))


if __name__ == "__main__":
    main()
