"""The settings of the server, and of who may call it how."""

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import BaseModel

from encore.http.caller_fields import PLAIN, SUBJECTS
from encore.http.forwarded import FORWARDED, X_FORWARDED_FOR
from encore.settings import validators as types
from encore.settings.layers import PRODUCTION

_HOUR: Final = 3_600
_MAX_HOURS: Final = 24 * 366


class HTTPSettings(BaseModel):
    """Where the service listens, its limits, and what it tells browsers and the log.

    Attributes:
        server_host: The address to listen on.
        server_port: The port to listen on; 0 lets the system choose.
        resource_url: This service's own public URL (RFC 9728).
        rate_limit_clients: Requests of one user or client, ``600/minute``; empty for no limit.
        rate_limit_bad_tokens: Rejected tokens of one address, ``60/minute``; empty for no limit.
        trusted_proxies: Addresses and networks of proxies whose header names the client's address.
        forwarded_header: That header: ``x-forwarded-for``, or ``forwarded`` (RFC 7239).
        cors_origins: Pages of which origins may call from a browser.
        cors_headers: What their requests may send beside the headers that the service reads.
        environment: ``development`` or ``production``, which refuses what is unsafe there.
        public_docs: Whether ``/docs`` and ``/openapi.json`` need no token; by default only in
            development.
        docs_client_id: The client of ``/docs`` at the issuer, a public one; empty for none.
        log_level: ``debug``, ``info``, ``warning`` or ``error``; requests are logged at info.
        log_subjects: How the log names users: ``plain``, ``hashed`` or ``none``.
        body_limit: The largest request body, in bytes.
        upload_limit: The largest body of an upload, in bytes.
        idempotency_hours: How long the response to a request with an ``Idempotency-Key`` is stored.
        keep_alive_seconds: How long a connection may be silent before a request's head is whole.
        body_timeout_seconds: How long to wait for a body, and a second more for each 1,000 bytes.
        drain_delay_seconds: How long to go on serving after SIGTERM, no longer ready.
        max_concurrent_requests: How many requests are handled at one time, half of one client.
    """

    server_host: types.Text = "127.0.0.1"
    server_port: Annotated[int, types.integer(0, 65_535)] = 3000
    resource_url: types.SafeUrl = ""
    rate_limit_clients: types.Rate = ""
    rate_limit_bad_tokens: types.Rate = ""
    trusted_proxies: types.Proxies = ()
    forwarded_header: Annotated[str, types.one_of(X_FORWARDED_FOR, FORWARDED)] = X_FORWARDED_FOR
    cors_origins: types.Origins = ()
    cors_headers: types.HeaderNames = ()
    environment: Annotated[str, types.one_of("development", PRODUCTION)] = "development"
    public_docs: types.OptionalFlag = None
    docs_client_id: types.OptionalText = ""
    log_level: Annotated[str, types.one_of("debug", "info", "warning", "error")] = "info"
    log_subjects: Annotated[str, types.one_of(*SUBJECTS)] = PLAIN
    body_limit: Annotated[int, types.integer(0, 2**31)] = 1_048_576
    upload_limit: Annotated[int, types.integer(0, 2**40)] = 268_435_456
    idempotency_hours: Annotated[int, types.integer(1, _MAX_HOURS)] = 24
    keep_alive_seconds: Annotated[int, types.integer(1, _HOUR)] = 75
    body_timeout_seconds: Annotated[int, types.integer(1, _HOUR)] = 20
    drain_delay_seconds: Annotated[int, types.integer(0, _HOUR)] = 0
    max_concurrent_requests: Annotated[int, types.integer(1, 100_000)] = 1000

    @property
    def is_production(self) -> bool:
        """Whether the service runs in production."""
        return self.environment == PRODUCTION

    @property
    def has_public_docs(self) -> bool:
        """Whether the documentation needs no token."""
        return not self.is_production if self.public_docs is None else self.public_docs


def http_contradictions(settings: HTTPSettings) -> Iterator[str]:
    """Yield a problem for each setting that has no effect without another."""
    if "forwarded_header" in settings.model_fields_set and not settings.trusted_proxies:
        yield "FORWARDED_HEADER: needs TRUSTED_PROXIES; without, no such header is read"
