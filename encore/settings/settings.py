"""One field a setting, under its own name in lower case; see docs/reference/settings.md.

CLIENT_ID and CLIENT_SECRET are the client's and the development issuer's, not the service's.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final

from encore.auth.trusted_issuer import ALGORITHMS, MAX_CLOCK_SKEW_SECONDS
from encore.dotenv import DATABASE_DEFAULTS, MAX_SECONDS
from encore.errors import SettingsError
from encore.settings import validators as values
from encore.settings.layers import read_layers

ENVIRONMENTS: Final = ("development", "production")
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_DEFAULTS: Final = {
    **DATABASE_DEFAULTS,
    "SERVER_HOST": "127.0.0.1",
    "SERVER_PORT": "3000",
    "AUDIENCE": "api://default",
    "SCOPE": "parts_manager",
    "SCOPE_CLAIMS": "scp",
    "TOKEN_ALGORITHMS": "RS256",
    "CLOCK_SKEW_SECONDS": "5",
    "ENVIRONMENT": "development",
    "LOG_LEVEL": "info",
    "BODY_LIMIT": "1048576",
    "UPLOAD_LIMIT": "268435456",
    "USER_CLAIM": "sub",
    "MAX_HOURS_PER_DAY": "24",
    "KEEP_ALIVE_SECONDS": "75",
    "BODY_TIMEOUT_SECONDS": "20",
    "DRAIN_DELAY_SECONDS": "0",
    "MAX_CONCURRENT_REQUESTS": "1000",
}
_HOUR: Final = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the service is told from outside.

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
        scope: What a token must hold, by default, for any operation; divided by blanks.
        scope_claims: Which claims of its tokens hold scopes.
        token_algorithms: Which ``alg`` its tokens may have.
        clock_skew_seconds: Tolerance on its tokens' exp, nbf and iat, 0 to 120 s.
        auth0_domain: A tenant of Auth0 to trust beside it.
        auth0_audience: What the tenant's tokens must be made for.
        trusted_issuers_file: A TOML file of more issuers to trust.
        introspection_url: Where to ask about tokens that are no JWTs (RFC 7662).
        introspection_client_id: Who asks there.
        introspection_client_secret: Proves it.
        revoked_tokens_file: A file with one ``jti`` a line, of tokens to refuse.
        resource_url: This service's own public URL (RFC 9728).
        rate_limit_clients: Requests of one client, ``600/minute``; empty for no limit.
        rate_limit_bad_tokens: Refused tokens of one address, ``60/minute``; empty for no limit.
        cors_origins: Pages of which origins may call from a browser.
        cors_headers: What their requests may send beside the headers that the service reads.
        secret_key: What keys are derived from (cursors); empty for one that the database keeps.
        environment: ``development`` or ``production``.
        log_level: ``debug``, ``info``, ``warning`` or ``error``; requests are logged at info.
        body_limit: The largest request body, in bytes.
        upload_limit: The largest body of an upload, in bytes.
        user_claim: Which claim of a person's token names the person.
        max_hours_per_day: The most that a person's timesheets may hold for one day, in hours.
        keep_alive_seconds: How long a connection may be silent before a request's head is whole.
        body_timeout_seconds: How long to wait for a body, and a second more for each 1,000 bytes.
        drain_delay_seconds: How long to serve on after SIGTERM, not ready any more.
        max_concurrent_requests: How many requests are handled at one time, half of one client.
    """

    server_host: str
    server_port: int
    database_url: str
    database_wait_seconds: int
    migration_lock_seconds: int
    migration_statement_seconds: int
    issuer: str
    audience: str
    scope: str
    scope_claims: tuple[str, ...]
    token_algorithms: tuple[str, ...]
    clock_skew_seconds: int
    auth0_domain: str
    auth0_audience: str
    trusted_issuers_file: Path | None
    introspection_url: str
    introspection_client_id: str
    introspection_client_secret: str = field(repr=False)
    revoked_tokens_file: Path | None
    resource_url: str
    rate_limit_clients: str
    rate_limit_bad_tokens: str
    cors_origins: tuple[str, ...]
    cors_headers: tuple[str, ...]
    secret_key: str = field(repr=False)
    environment: str
    log_level: str
    body_limit: int
    upload_limit: int
    user_claim: str
    max_hours_per_day: Decimal
    keep_alive_seconds: int
    body_timeout_seconds: int
    drain_delay_seconds: int
    max_concurrent_requests: int

    @classmethod
    def load(
        cls, directory: Path | None = None, environ: Mapping[str, str] = os.environ
    ) -> "Settings":
        """Read the settings of a directory. Raises ``SettingsError``."""
        return cls.of(read_layers(directory, environ))

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Settings":
        """Check values and make settings of them. Raises ``SettingsError``."""
        given = {**_DEFAULTS, **given}
        settings = cls(
            server_host=values.required(given, "SERVER_HOST"),
            server_port=values.whole(given, "SERVER_PORT", 65_535),
            database_url=values.database_url(given, "DATABASE_URL"),
            database_wait_seconds=values.whole(given, "DATABASE_WAIT_SECONDS", MAX_SECONDS),
            migration_lock_seconds=values.whole(given, "MIGRATION_LOCK_SECONDS", MAX_SECONDS),
            migration_statement_seconds=values.whole(
                given, "MIGRATION_STATEMENT_SECONDS", MAX_SECONDS
            ),
            issuer=_issuer(given),
            audience=values.required(given, "AUDIENCE"),
            scope=values.scopes(given, "SCOPE"),
            scope_claims=values.words(given, "SCOPE_CLAIMS"),
            token_algorithms=values.words(given, "TOKEN_ALGORITHMS"),
            clock_skew_seconds=values.whole(given, "CLOCK_SKEW_SECONDS", MAX_CLOCK_SKEW_SECONDS),
            auth0_domain=values.domain(given, "AUTH0_DOMAIN"),
            auth0_audience=values.optional(given, "AUTH0_AUDIENCE"),
            trusted_issuers_file=values.file(given, "TRUSTED_ISSUERS_FILE"),
            introspection_url=values.safe_url(given, "INTROSPECTION_URL"),
            introspection_client_id=values.optional(given, "INTROSPECTION_CLIENT_ID"),
            introspection_client_secret=values.optional(given, "INTROSPECTION_CLIENT_SECRET"),
            revoked_tokens_file=values.file(given, "REVOKED_TOKENS_FILE"),
            resource_url=values.safe_url(given, "RESOURCE_URL"),
            rate_limit_clients=values.rate(given, "RATE_LIMIT_CLIENTS"),
            rate_limit_bad_tokens=values.rate(given, "RATE_LIMIT_BAD_TOKENS"),
            cors_origins=values.origins(given, "CORS_ORIGINS"),
            cors_headers=values.header_names(given, "CORS_HEADERS"),
            secret_key=values.secret(given, "SECRET_KEY"),
            environment=values.one_of(given, "ENVIRONMENT", ENVIRONMENTS),
            log_level=values.one_of(given, "LOG_LEVEL", LOG_LEVELS),
            body_limit=values.whole(given, "BODY_LIMIT", 2**31),
            upload_limit=values.whole(given, "UPLOAD_LIMIT", 2**40),
            user_claim=values.required(given, "USER_CLAIM"),
            max_hours_per_day=values.hours_of_day(given, "MAX_HOURS_PER_DAY"),
            keep_alive_seconds=values.whole(given, "KEEP_ALIVE_SECONDS", _HOUR, lowest=1),
            body_timeout_seconds=values.whole(given, "BODY_TIMEOUT_SECONDS", _HOUR, lowest=1),
            drain_delay_seconds=values.whole(given, "DRAIN_DELAY_SECONDS", _HOUR),
            max_concurrent_requests=values.whole(
                given, "MAX_CONCURRENT_REQUESTS", 100_000, lowest=1
            ),
        )
        _check_together(settings)
        return settings


def _issuer(given: Mapping[str, str]) -> str:
    """Give ISSUER, which may only be empty where another issuer is named."""
    others = values.optional(given, "AUTH0_DOMAIN") or values.optional(
        given, "TRUSTED_ISSUERS_FILE"
    )
    if others and not values.optional(given, "ISSUER"):
        return ""
    return values.issuer(values.required(given, "ISSUER"), "ISSUER")


def _check_together(settings: Settings) -> None:
    """Refuse settings that are each right and do not fit one another."""
    if not settings.scope_claims:
        raise SettingsError("SCOPE_CLAIMS: must name at least one claim, such as scp or scope")
    if not settings.token_algorithms or not ALGORITHMS.issuperset(settings.token_algorithms):
        raise SettingsError(f"TOKEN_ALGORITHMS: must be of {', '.join(sorted(ALGORITHMS))}")
    if settings.auth0_domain and not settings.auth0_audience:
        raise SettingsError("AUTH0_AUDIENCE: is missing; it is the API Identifier at Auth0")
    if settings.introspection_url:
        for name in ("introspection_client_id", "introspection_client_secret"):
            if not getattr(settings, name):
                raise SettingsError(f"{name.upper()}: is missing; INTROSPECTION_URL needs it")
