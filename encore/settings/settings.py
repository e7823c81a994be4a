"""The settings of a service: one field each, under its name in lower case.

A service with settings of its own makes a subclass and passes it to ``Service(settings=...)``::

    class ShopSettings(Settings):
        currency: str = "EUR"          # the environment variable CURRENCY

CLIENT_ID and CLIENT_SECRET belong to the client and to the development issuer.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from encore.auth.trusted_issuer import ALGORITHMS, JWT, MAX_CLOCK_SKEW_SECONDS, PROFILES
from encore.dotenv import DATABASE_DEFAULTS, MAX_SECONDS
from encore.errors import SettingsError
from encore.http.caller_fields import PLAIN, SUBJECTS
from encore.http.forwarded import FORWARDED, X_FORWARDED_FOR
from encore.settings import validators as types
from encore.settings.declarations import decode_structure, problems_of
from encore.settings.layers import PRODUCTION, committed_names, is_production, read_layers
from encore.settings.messages import messages_of
from encore.settings.misspelt import misspelt_names
from encore.settings.production import (
    committed_issuers,
    database_problems,
    http_issuers,
)

_HOUR: Final = 3_600

Seconds = Annotated[int, types.integer(0, MAX_SECONDS)]


class Settings(BaseModel):
    """What operators decide, read once at start-up from the environment and from files.

    Attributes:
        server_host: The address to listen on.
        server_port: The port to listen on; 0 lets the system choose.
        database_url: ``sqlite:///file`` or ``postgresql://user:password@host/name``.
        database_wait_seconds: For how long a start waits for a database that is starting too.
        migration_lock_seconds: For how long a migration waits for a lock on a table.
        migration_statement_seconds: How long a statement of a migration may take, and for how
            long another migration is waited for; 0 for any time.
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
        resource_url: This service's own public URL (RFC 9728).
        rate_limit_clients: Requests of one client, ``600/minute``; empty for no limit.
        rate_limit_bad_tokens: Rejected tokens of one address, ``60/minute``; empty for no limit.
        trusted_proxies: Addresses and networks of proxies whose header names the client's address.
        forwarded_header: That header: ``x-forwarded-for``, or ``forwarded`` (RFC 7239).
        cors_origins: Pages of which origins may call from a browser.
        cors_headers: What their requests may send beside the headers that the service reads.
        secret_key: What keys are derived from (cursors); empty for one that the database keeps.
        environment: ``development`` or ``production``, which refuses what is unsafe there.
        public_docs: Whether ``/docs`` and ``/openapi.json`` need no token; by default only in
            development.
        unencrypted_database: Whether data may cross a network to the database unencrypted; by
            default only in development.
        log_level: ``debug``, ``info``, ``warning`` or ``error``; requests are logged at info.
        log_subjects: How the log names users: ``plain``, ``hashed`` or ``none``.
        body_limit: The largest request body, in bytes.
        upload_limit: The largest body of an upload, in bytes.
        keep_alive_seconds: How long a connection may be silent before a request's head is whole.
        body_timeout_seconds: How long to wait for a body, and a second more for each 1,000 bytes.
        drain_delay_seconds: How long to go on serving after SIGTERM, no longer ready.
        max_concurrent_requests: How many requests are handled at one time, half of one client.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    server_host: types.Text = "127.0.0.1"
    server_port: Annotated[int, types.integer(0, 65_535)] = 3000
    database_url: types.DatabaseUrl = DATABASE_DEFAULTS["DATABASE_URL"]
    database_wait_seconds: Seconds = int(DATABASE_DEFAULTS["DATABASE_WAIT_SECONDS"])
    migration_lock_seconds: Seconds = int(DATABASE_DEFAULTS["MIGRATION_LOCK_SECONDS"])
    migration_statement_seconds: Seconds = int(DATABASE_DEFAULTS["MIGRATION_STATEMENT_SECONDS"])
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
    resource_url: types.SafeUrl = ""
    rate_limit_clients: types.Rate = ""
    rate_limit_bad_tokens: types.Rate = ""
    trusted_proxies: types.Proxies = ()
    forwarded_header: Annotated[str, types.one_of(X_FORWARDED_FOR, FORWARDED)] = X_FORWARDED_FOR
    cors_origins: types.Origins = ()
    cors_headers: types.HeaderNames = ()
    secret_key: types.SecretKey = Field("", repr=False)
    environment: Annotated[str, types.one_of("development", PRODUCTION)] = "development"
    public_docs: types.OptionalFlag = None
    unencrypted_database: types.OptionalFlag = None
    log_level: Annotated[str, types.one_of("debug", "info", "warning", "error")] = "info"
    log_subjects: Annotated[str, types.one_of(*SUBJECTS)] = PLAIN
    body_limit: Annotated[int, types.integer(0, 2**31)] = 1_048_576
    upload_limit: Annotated[int, types.integer(0, 2**40)] = 268_435_456
    keep_alive_seconds: Annotated[int, types.integer(1, _HOUR)] = 75
    body_timeout_seconds: Annotated[int, types.integer(1, _HOUR)] = 20
    drain_delay_seconds: Annotated[int, types.integer(0, _HOUR)] = 0
    max_concurrent_requests: Annotated[int, types.integer(1, 100_000)] = 1000

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Check the fields of a subclass. Raises ``SettingsError``."""
        problems = [f"{cls.__name__}: {problem}" for problem in problems_of(cls)]
        if problems:
            raise SettingsError(*problems)

    def __init__(self, **values: Any) -> None:
        problems: list[str] = []
        try:
            super().__init__(**values)
        except ValidationError as error:
            problems += messages_of(error, self.names())
        else:
            problems += _contradictions(self)
        problems += _missing(values)
        if problems:
            raise SettingsError(*dict.fromkeys(problems))

    @classmethod
    def load(cls, directory: Path | None = None, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the settings of a directory and of the environment.

        Raises:
            SettingsError: One line for each setting that is missing, invalid or misspelt.
        """
        raw = read_layers(directory, environ)
        problems = list(misspelt_names(raw, cls.names()))
        if is_production(raw):
            problems += committed_issuers(raw, committed_names(directory, environ))
        try:
            settings = cls.parse(raw)
        except SettingsError as error:
            reported = tuple(_name(problem) for problem in problems)
            others = (problem for problem in error.problems if _name(problem) not in reported)
            raise SettingsError(*problems, *others) from None
        if problems:
            raise SettingsError(*problems)
        return settings

    @classmethod
    def parse(cls, raw: Mapping[str, str]) -> Self:
        """Validate settings by their names in upper case; other names are ignored.

        Raises:
            SettingsError: One line for each setting that is missing or invalid.
        """
        values: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            if (text := raw.get(name.upper())) is not None:
                own = name not in Settings.model_fields
                values[name] = decode_structure(field, text) if own else text
        return cls(**values)

    @property
    def is_production(self) -> bool:
        """Whether the service runs in production."""
        return self.environment == PRODUCTION

    @property
    def has_public_docs(self) -> bool:
        """Whether the documentation needs no token."""
        return not self.is_production if self.public_docs is None else self.public_docs

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all settings, as environment variables."""
        return tuple(name.upper() for name in cls.model_fields)


def _name(problem: str) -> str:
    return problem.partition(":")[0]


def _missing(values: Mapping[str, Any]) -> Iterator[str]:
    """Report the settings that others make necessary."""

    def has(name: str) -> bool:
        return bool(str(values.get(name) or "").strip())

    if not (has("issuer") or has("auth0_domain") or has("trusted_issuers_file")):
        yield f"ISSUER: {types.MISSING}"
    if has("auth0_domain") and not has("auth0_audience"):
        yield "AUTH0_AUDIENCE: is missing; it is the API Identifier at Auth0"
    for name in ("introspection_client_id", "introspection_client_secret"):
        if has("introspection_url") and not has(name):
            yield f"{name.upper()}: is missing; INTROSPECTION_URL needs it"


def _contradictions(settings: Settings) -> Iterator[str]:
    if not settings.audience and (settings.extra_audiences or not settings.token_client_ids):
        yield "AUDIENCE: must not be empty, unless TOKEN_CLIENT_IDS names the clients instead"
    if not settings.scope_claims and settings.scope_grants_file is None:
        yield "SCOPE_CLAIMS: must name at least one claim, such as scp or scope"
    if not settings.token_algorithms or not ALGORITHMS.issuperset(settings.token_algorithms):
        yield f"TOKEN_ALGORITHMS: must be of {', '.join(sorted(ALGORITHMS))}"
    for name in ("introspection_issuer", "introspection_audience_optional"):
        if getattr(settings, name) and not settings.introspection_url:
            yield f"{name.upper()}: needs INTROSPECTION_URL"
    if "forwarded_header" in settings.model_fields_set and not settings.trusted_proxies:
        yield "FORWARDED_HEADER: needs TRUSTED_PROXIES; without, no such header is read"
    if settings.is_production:
        yield from http_issuers(settings)
    yield from database_problems(settings, is_production=settings.is_production)
