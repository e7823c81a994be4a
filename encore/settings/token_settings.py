"""The settings of access tokens: whose are trusted, what they must have, and what they mean."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

from encore.auth.trusted_issuer import ALGORITHMS, JWT, MAX_CLOCK_SKEW_SECONDS, PROFILES
from encore.settings import validators as types
from encore.settings.validators import Seconds

_OF_ISSUERS: Final = {
    # Issuers, and the settings that concern the tokens of these only.
    ("issuer",): (
        *("extra_audiences", "token_client_ids", "required_claims"),
        *("scope_claims", "token_algorithms"),
    ),
    ("issuer", "auth0_domain"): (
        *("clock_skew_seconds", "token_profile", "max_token_age_seconds"),
        *("user_claim", "client_mark"),
    ),
    ("auth0_domain",): ("auth0_user_prefix", "auth0_strip_prefix"),
}


class TokenSettings(BaseModel):
    """Which tokens are accepted, and whom they identify.

    Attributes:
        issuer: Whose tokens are trusted: the exact ``iss``; empty where others are named.
        audience: What its tokens must be made for: their ``aud``.
        extra_audiences: What else they may be made for.
        token_client_ids: The clients whose tokens are accepted, for issuers without ``aud``.
        required_claims: What claims of its tokens must have which value, ``token_use=access``.
        scope: What a token must hold, by default, for any operation; separated by spaces.
        scope_claims: Which claims of its tokens hold scopes.
        token_algorithms: Which ``alg`` its tokens may have.
        clock_skew_seconds: Tolerance on its tokens' exp, nbf and iat, 0 to 120 s.
        token_profile: ``jwt``, or ``rfc9068``, which requires all that RFC 9068 does.
        max_token_age_seconds: How old a token may be by its iat; 0 for any age.
        user_claim: The claim that identifies a user, whose value is the user's name.
        client_mark: What marks tokens of clients, ``idtyp=app``, beside the usual marks.
        scope_grants_file: A TOML file of scopes that users and clients have beside their tokens'.
        auth0_domain: A tenant of Auth0 to trust as well.
        auth0_audience: What the tenant's tokens must be made for.
        auth0_user_prefix: What the names of the tenant's users begin with, if ISSUER is set too.
        auth0_strip_prefix: What the tenant's user claims begin with and names leave out.
        trusted_issuers_file: A TOML file of more issuers to trust.
        introspection_url: Where to ask about opaque tokens (RFC 7662).
        introspection_client_id: The client id for introspection.
        introspection_client_secret: Its secret.
        introspection_issuer: Whose endpoint it is; needed if several issuers are trusted.
        introspection_audience_optional: Whether its responses may lack ``aud``.
        revoked_tokens_file: A file with one ``jti`` a line, of tokens to reject.
    """

    issuer: types.IssuerUrl = ""
    audience: types.OptionalText = "api://default"
    extra_audiences: types.Words = ()
    token_client_ids: types.Words = ()
    required_claims: types.ClaimValues = ()
    scope: types.Scopes = ""
    scope_claims: types.Words = ("scp",)
    token_algorithms: types.Words = ("RS256",)
    clock_skew_seconds: Annotated[int, types.integer(0, MAX_CLOCK_SKEW_SECONDS)] = 5
    token_profile: Annotated[str, types.one_of(*PROFILES)] = JWT
    max_token_age_seconds: Seconds = 0
    user_claim: types.Text = "sub"
    client_mark: types.OptionalClaimValue = ""
    scope_grants_file: types.ReadableFile = None
    auth0_domain: types.Domain = ""
    auth0_audience: types.OptionalText = ""
    auth0_user_prefix: types.OptionalText | None = None
    auth0_strip_prefix: types.OptionalText = ""
    trusted_issuers_file: types.ReadableFile = None
    introspection_url: types.SafeUrl = ""
    introspection_client_id: types.OptionalText = ""
    introspection_client_secret: types.OptionalText = Field("", repr=False)
    introspection_issuer: types.OptionalText = ""
    introspection_audience_optional: types.OptionalFlag = None
    revoked_tokens_file: types.ReadableFile = None


def missing_token_settings(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a problem for each setting that others make necessary.

    Args:
        values: The settings as they were given.
    """

    def has(name: str) -> bool:
        return bool(str(values.get(name) or "").strip())

    if not (has("issuer") or has("auth0_domain") or has("trusted_issuers_file")):
        yield f"ISSUER: {types.MISSING}"
    if has("auth0_domain") and not has("auth0_audience"):
        yield "AUTH0_AUDIENCE: is missing; it is the API Identifier at Auth0"
    for name in ("introspection_client_id", "introspection_client_secret"):
        if has("introspection_url") and not has(name):
            yield f"{name.upper()}: is missing; INTROSPECTION_URL needs it"


def token_contradictions(settings: TokenSettings) -> Iterator[str]:
    """Yield a problem for each setting that another one excludes, or makes necessary."""
    if not settings.audience and (settings.extra_audiences or not settings.token_client_ids):
        yield "AUDIENCE: must not be empty, unless TOKEN_CLIENT_IDS names the clients instead"
    if not settings.scope_claims and settings.scope_grants_file is None:
        yield "SCOPE_CLAIMS: must name at least one claim, such as scp or scope"
    if not settings.token_algorithms or not ALGORITHMS.issuperset(settings.token_algorithms):
        yield f"TOKEN_ALGORITHMS: must be of {', '.join(sorted(ALGORITHMS))}"
    for name in ("introspection_issuer", "introspection_audience_optional"):
        if getattr(settings, name) and not settings.introspection_url:
            yield f"{name.upper()}: needs INTROSPECTION_URL"
    yield from _without_issuer(settings)


def _without_issuer(settings: TokenSettings) -> Iterator[str]:
    """Report settings of an issuer that is not named; a table of the file has its own."""
    fields = type(settings).model_fields
    for issuers, names in _OF_ISSUERS.items():
        if not any(getattr(settings, issuer) for issuer in issuers):
            needed = " or ".join(issuer.upper() for issuer in issuers)
            for name in names:
                if getattr(settings, name) not in ("", fields[name].default):
                    yield f"{name.upper()}: needs {needed}; no other issuer's tokens are meant"
