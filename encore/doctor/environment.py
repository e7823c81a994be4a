"""What the service stands on: its database, its port, the introspection endpoint."""

import secrets
from http.client import HTTPConnection, HTTPException

from encore.auth.document_fetcher import FetchError
from encore.auth.introspection_client import IntrospectionClient
from encore.doctor.check_result import CheckResult, good, note, wrong
from encore.server.server import check_address
from encore.service.health import LIVE
from encore.service.schema_check import check_schema
from encore.settings import Settings, StartupError

_WORDS = {
    "status-400": "it refuses the question; is this the introspection endpoint?",
    "status-401": "it refuses us; check INTROSPECTION_CLIENT_ID and INTROSPECTION_CLIENT_SECRET",
    "status-403": "it refuses us; allow this client to introspect",
    "status-404": "there is nothing; look for introspection_endpoint in the issuer's discovery",
}


def examine_database(settings: Settings) -> CheckResult:
    """See whether the database can be read and is at the newest revision. Raises CannotStart."""
    check_schema(settings.database_url)
    return good("DATABASE_URL", "the database is at the newest revision")


def examine_port(settings: Settings) -> CheckResult:
    """See whether the port is free, or taken by this very service. Raises CannotStart."""
    host, port = settings.server_host, settings.server_port
    try:
        check_address(host, port)
    except StartupError:
        if not _is_alive(host, port):
            raise
        return note("SERVER_PORT", f"port {port} of {host} is taken, by a service such as this")
    return good("SERVER_PORT", f"port {port} of {host} is free")


def _is_alive(host: str, port: int) -> bool:
    """Tell whether a service such as ours answers there."""
    connection = HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", LIVE)
        return b"alive" in connection.getresponse().read(100)
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


async def examine_introspection(settings: Settings) -> CheckResult:
    """Ask about a token that nobody issued: the right answer is that it is not active."""
    subject = "INTROSPECTION_URL"
    endpoint = IntrospectionClient(
        settings.introspection_url,
        settings.introspection_client_id,
        settings.introspection_client_secret,
    )
    try:
        answer = await endpoint(secrets.token_urlsafe())
    except FetchError as error:
        code = str(error)
        words = _WORDS.get(code, f"it cannot be had ({code}); check the address and the network")
        return wrong(subject, words)
    finally:
        await endpoint.aclose()
    if answer.get("active") is not False:
        return wrong(subject, "it does not say that an invented token is inactive")
    return good(subject, "it answers")
