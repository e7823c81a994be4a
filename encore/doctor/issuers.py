"""One trusted issuer: can it be had, is it who we think, which keys are usable, is our clock right.

Uses the service's own discovery and key policy; what the service logs as a code is said here in
words.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from encore.auth.document_fetcher import DocumentFetcher, FetchError
from encore.auth.jwks import MAX_RSA_BITS, MIN_RSA_BITS, KeySet, parse_key_set
from encore.auth.jwks_client import DiscoveryError, JWKSClient
from encore.auth.trusted_issuer import TrustedIssuer
from encore.doctor.check_result import CheckResult, good, note, wrong

_DATE_SECONDS = 2
"""Date headers are in whole seconds, and an answer takes its time."""

_PASSED_OVER = {
    "not-an-object": "it is no JSON object",
    "no-kid": "it has no kid, so that no token can name it",
    "use": 'its use is not "sig"',
    "key-ops": "its key_ops lack verify",
    "private-key": "it is a private key, and published: anyone can sign with it",
    "kty": "its kty is neither RSA nor EC",
    "alg": "its algorithm is not among those that we trust (TOKEN_ALGORITHMS)",
    "rsa-size": f"its size is not {MIN_RSA_BITS} to {MAX_RSA_BITS} bits",
    "rsa-exponent": "its exponent is not an odd number of 3 to 2**32",
}
_FAILED = {
    "ConnectError": "nothing answers there; is it spelled right, does it run, is there a network?",
    "ConnectTimeout": "nothing answers there in time; is a firewall or a proxy in between?",
    "TimeoutError": "it answers too slowly",
    "ReadTimeout": "it answers too slowly",
    "too-large": "its answer is too large for an issuer's",
    "status-404": "there are neither discovery nor keys; does the issuer's path stand in the URL?",
}


@dataclass(frozen=True, slots=True)
class CheckedIssuer:
    """An issuer, what was found, and its keys if they could be had."""

    trusted: TrustedIssuer
    results: tuple[CheckResult, ...]
    keys: KeySet | None


async def check_issuer(trusted: TrustedIssuer) -> CheckedIssuer:
    """Look at one issuer."""
    subject = f"issuer {trusted.issuer}"
    download = DocumentFetcher()
    try:
        document = await JWKSClient(trusted, download).fetch_keys(rediscover=True)
        keys = parse_key_set(document, trusted.algorithms)
    except DiscoveryError as error:
        text = await _explain(trusted, str(error), download)
        return CheckedIssuer(trusted, (wrong(subject, text),), None)
    except FetchError as error:
        code = str(error)
        text = _FAILED.get(code, f"it cannot be had ({code})")
        return CheckedIssuer(trusted, (wrong(subject, text),), None)
    except (ValueError, RecursionError):
        return CheckedIssuer(
            trusted, (wrong(subject, "what it gives for keys is no JWK set"),), None
        )
    results = [*_judge_keys(subject, keys), *_judge_clock(trusted, download.last_date)]
    return CheckedIssuer(trusted, tuple(results), keys)


async def _explain(trusted: TrustedIssuer, code: str, download: DocumentFetcher) -> str:
    """Say what is wrong with a discovery document."""
    if code == "discovery-jwks-uri":
        return "its discovery names keys (jwks_uri) at an address that is not https"
    url = trusted.issuer.rstrip("/") + "/.well-known/openid-configuration"
    metadata = json.loads(await download(url))
    named = metadata.get("issuer") if isinstance(metadata, dict) else None
    return (
        f"its discovery says that it is {named!r}; if that is the one you mean, write exactly that,"
        " a final slash counts"
    )


def _judge_keys(subject: str, keys: KeySet) -> Iterator[CheckResult]:
    for kid, code in keys.skipped:
        yield note(subject, f"key {kid!r} is passed over: {_PASSED_OVER.get(code, code)}")
    if keys:
        yield good(subject, f"it answers, with {len(keys.kids)} usable key(s)")
    else:
        yield wrong(subject, "it has no usable key, so no token of it can be verified")


def _judge_clock(trusted: TrustedIssuer, date: str | None) -> Iterator[CheckResult]:
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return
    ahead = time.time() - theirs
    if abs(ahead) > trusted.clock_skew_seconds + _DATE_SECONDS:
        way = "ahead of" if ahead > 0 else "behind"
        yield wrong(
            "clock",
            f"ours is {abs(ahead):.0f} s {way} that of {trusted.issuer}; set this machine's clock"
            " (NTP): tokens would be refused as expired or not valid yet",
        )
    else:
        yield good("clock", f"ours agrees with that of {trusted.issuer}")
