"""The reason codes of refused requests, explained: what is wrong and what to do.

A response never says why a token is refused; the log has a code. ``EXPLANATIONS`` has a text for
each code that the library can raise for a caller's token; the same texts are in
docs/reference/log.md. A ``*`` at the end stands for the rest of a code.
"""

from collections.abc import Mapping
from typing import Final

_NOT_A_JWT: Final = (
    "it is not a JWT; an opaque token needs INTROSPECTION_URL (Auth0 issues JWTs only for requests"
    " with the API's audience)"
)

EXPLANATIONS: Final[Mapping[str, str]] = {
    # How the token was sent.
    "no-authorization-header": (
        "the request had no Authorization header; send Authorization: Bearer and the token, and"
        " check that no proxy removes it"
    ),
    "no-credentials": (
        "the request to / had no Authorization header and did not come from a browser"
    ),
    "other-scheme": "its Authorization header has another scheme; it must be Bearer and the token",
    "two-authorization-headers": "the request had two Authorization headers; send one",
    "malformed-bearer-value": (
        "the Authorization header must be the word Bearer, a space and the token alone, without"
        " quotation marks or line breaks"
    ),
    "token-in-header-and-query": (
        "the request had a token in its query (access_token) too; send it in the header only"
    ),
    "no-principal": "no middleware of the application has verified a caller for this request",
    # The format and the header of a JWT.
    "token-too-large": "it is larger than 16 KB; ask the issuer for fewer claims",
    "not-three-segments": _NOT_A_JWT,
    "not-a-jwt": "it is not a JWT, or it was truncated or changed; paste it whole",
    "header-member-refused": (
        "its header has crit, b64, jwk, jku, x5u or x5c: none is allowed, because a token must not"
        " bring its own key or rules"
    ),
    "header-typ": (
        "its typ is not JWT or at+jwt (TOKEN_PROFILE=rfc9068: only the latter); is it an access"
        " token, and not an ID token?"
    ),
    "header-alg": "its header has no alg, so it is not signed",
    "header-kid": "its header's kid is not a string, or empty",
    # Issuer, key and signature.
    "issuer-unknown": (
        "its issuer is not trusted; set ISSUER, AUTH0_DOMAIN or TRUSTED_ISSUERS_FILE to the exact"
        " iss (a final slash counts), or get a token of a trusted issuer"
    ),
    "algorithm-not-trusted": (
        "its algorithm is not accepted from its issuer (TOKEN_ALGORITHMS, or algorithms in"
        " TRUSTED_ISSUERS_FILE)"
    ),
    "keys-unavailable": (
        "the keys of its issuer could not be fetched, and none were cached; the token may be valid:"
        " check the network between the service and the issuer"
    ),
    "key-unknown": (
        "its key is not among the issuer's usable ones (without kid: not exactly one fits); was it"
        " issued before a key rotation, or by another server?"
    ),
    "signature": "its signature is invalid for the issuer's key; was the token changed?",
    "unexpected-*": (
        "verifying it raised an unexpected exception, so it was refused; please report the code"
    ),
    # Claims.
    "claim-iss": (
        "its issuer (iss) is not the expected one; of an introspected token it must be that of"
        " INTROSPECTION_ISSUER"
    ),
    "claim-aud": (
        "its audience (aud) is not this service's; change AUDIENCE or AUTH0_AUDIENCE, or request a"
        " token for that audience. If an introspection endpoint leaves it out, see"
        " INTROSPECTION_AUDIENCE_OPTIONAL"
    ),
    "claim-exp": (
        "its exp is missing or is not a number of seconds since 1970 (milliseconds?); a token must"
        " expire"
    ),
    "claim-nbf": "its nbf is not a number of seconds since 1970",
    "claim-iat": (
        "its iat is not a number of seconds since 1970, or it is missing and TOKEN_PROFILE or"
        " MAX_TOKEN_AGE_SECONDS requires it"
    ),
    "claim-required": "a claim does not have the value that REQUIRED_CLAIMS names for it",
    "claim-client": "its client is not among those of TOKEN_CLIENT_IDS",
    "claim-user": (
        "it is valid, but its caller has no name by the settings of its issuer (USER_CLAIM,"
        " prefixes, TRUSTED_ISSUERS_FILE), and the operation records one"
    ),
    "principal-unknown": (
        "it identifies neither a user nor a client: it has no sub, and no mark of a client's own"
        " token (CLIENT_MARK names marks of other issuers)"
    ),
    "claim-*": "this claim is required and missing, or is not a string",
    "token-expired": "it has expired, or is older than MAX_TOKEN_AGE_SECONDS; get a new one",
    "token-not-yet-valid": "it is not valid yet; is a clock wrong?",
    "token-revoked": (
        "it was revoked: its jti is in REVOKED_TOKENS_FILE; get a new one if that was not meant"
    ),
    # Introspection of opaque tokens.
    "introspection-inactive": (
        "the introspection endpoint says that it is not active: it has expired, was revoked, or is"
        " of another issuer"
    ),
    "introspection-token-type": (
        "the introspection endpoint says that it is not an access token (token_type)"
    ),
    "introspection-unavailable": (
        "the introspection endpoint could not be asked; the token may be valid: check"
        " INTROSPECTION_URL and the network"
    ),
    # Scopes and rates: the token is valid.
    "scope-missing": "it lacks a scope that the operation requires; request it from the issuer",
    "scopes-unknown": (
        "the service's own middleware does not say which scopes a token has, so that only those of"
        " the route itself are compared; it must set RequestState.granted"
    ),
    "scope-ill-typed": (
        "its scope claim is neither a string nor a list of strings, so it grants no scope"
    ),
    "rate-limit-client": (
        "it is valid, but its user or client sends more requests than RATE_LIMIT_CLIENTS allows"
    ),
    "rate-limit-bad-tokens": (
        "it is invalid, and more invalid tokens came from its address than RATE_LIMIT_BAD_TOKENS"
        " allows"
    ),
}


def explain(reason: str) -> str:
    """Return what is wrong and what to do; the code itself if it is unknown."""
    if reason in EXPLANATIONS:
        return EXPLANATIONS[reason]
    for code, text in EXPLANATIONS.items():
        if code.endswith("*") and reason.startswith(code[:-1]):
            return f"{text} ({reason})"
    return f"it is refused for the reason {reason}"
