"""Checks of a trusted issuer: discovery, issuer identifier, usable keys, difference of the clocks.

Uses the service's own discovery and key policy; error codes, which the service logs, are explained.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from encore.auth.document_fetcher import DocumentFetcher, FetchError
from encore.auth.jwks import MAX_KEYS, KeySet, parse_key_set
from encore.auth.jwks_client import DiscoveryError, JWKSClient
from encore.auth.trusted_issuer import TrustedIssuer
from encore.auth.weak_keys import MAX_RSA_BITS, MIN_RSA_BITS
from encore.doctor.check_result import CheckResult, failed, note, ok

_DATE_SECONDS: Final = 2
"""Tolerance: Date headers are in whole seconds, and a response takes time."""

_SKIPPED_KEYS: Final = {
    "not-an-object": "it is not a JSON object",
    "kid": "its kid is not a string, or empty",
    "use": 'its use is not "sig"',
    "key-ops": "its key_ops lack verify",
    "private-key": "it is a published private key: anyone can sign with it",
    "kty": "its kty is not RSA, EC or OKP",
    "crv": "its curve is not P-256, P-384, P-521, Ed25519 or Ed448",
    "alg": "its algorithm is not accepted (TOKEN_ALGORITHMS)",
    "rsa-size": f"its size is not {MIN_RSA_BITS} to {MAX_RSA_BITS} bits",
    "rsa-exponent": "its exponent is not an odd integer from 3 to 2**32",
    "rsa-small-exponent": "its exponent is less than 65537 (min_rsa_exponent)",
    "rsa-modulus-encoding": "its n is not base64url, or begins with a zero octet",
    "rsa-exponent-encoding": "its e is not base64url, or begins with a zero octet",
    "rsa-even-modulus": "its modulus is even: it is damaged",
    "rsa-small-factor": "its modulus has a small factor: anyone can compute its private key",
    "rsa-close-primes": "its primes are close together: anyone can compute its private key",
    "rsa-roca": "it was made by a faulty library (CVE-2017-15361); its private key can be computed",
    "ec-coordinate": "its x or y is not base64url of the curve's length",
    "okp-encoding": "its x is not base64url of the curve's length",
    "okp-small-order": "its point has a small order: anyone can sign for it",
    **{
        f"member-{name}": f"its {name} is missing, not a string or too long"
        for name in ("n", "e", "crv", "x", "y")
    },
    "x5c": "its x5c does not begin with a certificate of a supported key",
    "x5c-mismatch": "its x5c is the certificate of another key",
}
_FETCH_ERRORS: Final = {
    "ConnectError": "it does not respond; is the URL right, is it running, is there a network?",
    "ConnectTimeout": "it does not respond in time; is there a firewall or a proxy in between?",
    "TimeoutError": "it responds too slowly",
    "ReadTimeout": "it responds too slowly",
    "too-large": "its response is too large for an issuer's",
    "status-404": "there are neither discovery nor keys; is the issuer's path part of the URL?",
}


@dataclass(frozen=True, slots=True)
class CheckedIssuer:
    """A trusted issuer, the results of its checks, and its keys if they could be fetched."""

    trusted: TrustedIssuer
    results: tuple[CheckResult, ...]
    keys: KeySet | None


async def check_issuer(trusted: TrustedIssuer) -> CheckedIssuer:
    """Check one issuer."""
    subject = f"issuer {trusted.issuer}"
    download = DocumentFetcher()
    try:
        document = await JWKSClient(trusted, download).fetch_keys(rediscover=True)
        keys = parse_key_set(
            document, trusted.algorithms, min_rsa_exponent=trusted.min_rsa_exponent
        )
    except DiscoveryError as error:
        text = await _explain(error, download)
        return CheckedIssuer(trusted, (failed(subject, text),), None)
    except FetchError as error:
        code = str(error)
        text = _FETCH_ERRORS.get(code, f"it cannot be reached ({code})")
        return CheckedIssuer(trusted, (failed(subject, text),), None)
    except (ValueError, RecursionError):
        return CheckedIssuer(trusted, (failed(subject, "its keys are not a JWK set"),), None)
    results = [*_check_keys(subject, keys), *_check_clock(trusted, download.last_date)]
    return CheckedIssuer(trusted, tuple(results), keys)


async def _explain(error: DiscoveryError, download: DocumentFetcher) -> str:
    """Return what is wrong with a discovery document."""
    if str(error) == "discovery-jwks-uri":
        return "its discovery names keys (jwks_uri) at an address that is not https"
    metadata = json.loads(await download(error.url))
    named = metadata.get("issuer") if isinstance(metadata, dict) else None
    return (
        f"its discovery document names the issuer {named!r}; if that is the one you mean, use"
        " exactly that value (a final slash counts)"
    )


def _check_keys(subject: str, keys: KeySet) -> Iterator[CheckResult]:
    if keys.published > MAX_KEYS:
        text = f"it publishes {keys.published} keys, of which the first {MAX_KEYS} are used"
        yield note(subject, text)
    for kid, code in keys.skipped:
        yield note(subject, f"key {kid!r} is ignored: {_SKIPPED_KEYS.get(code, code)}")
    if keys:
        yield ok(subject, f"it responds, with {keys.usable} usable key(s)")
    else:
        yield failed(subject, "it has no usable key, so none of its tokens can be verified")


def _check_clock(trusted: TrustedIssuer, date: str | None) -> Iterator[CheckResult]:
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return
    ahead = time.time() - theirs
    if abs(ahead) > trusted.clock_skew_seconds + _DATE_SECONDS:
        way = "ahead of" if ahead > 0 else "behind"
        yield failed(
            "clock",
            f"this machine's is {abs(ahead):.0f} s {way} that of {trusted.issuer}; correct"
            " it (NTP): otherwise tokens are rejected as expired or not valid yet",
        )
    else:
        yield ok("clock", f"this machine's agrees with that of {trusted.issuer}")
