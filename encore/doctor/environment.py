"""Checks of the environment: the database, the port, the introspection endpoint."""

import secrets
from http.client import HTTPConnection, HTTPException

from encore.auth.document_fetcher import FetchError
from encore.auth.introspection_client import IntrospectionClient
from encore.doctor.check_result import CheckResult, good, note, wrong
from encore.errors import StartupError
from encore.server.server import check_address
from encore.service import Service
from encore.service.health import LIVE
from encore.settings import Settings

_WORDS = {
    "status-400": "it refuses the question; is this the introspection endpoint?",
    "status-401": "it refuses us; check INTROSPECTION_CLIENT_ID and INTROSPECTION_CLIENT_SECRET",
    "status-403": "it refuses us; allow this client to introspect",
    "status-404": "there is nothing; look for introspection_endpoint in the issuer's discovery",
}


def check_database(service: Service) -> CheckResult:
    """Check that the database can be read and fits the code. Raises ``StartupError``."""
    service.schema().check()
    at = "is at the newest revision" if service.migrations else "has the tables of all models"
    return good("DATABASE_URL", f"the database {at}")


def check_port(service: Service) -> CheckResult:
    """Check that the port is free, or used by this service. Raises ``StartupError``."""
    host, port = service.settings.server_host, service.settings.server_port
    try:
        check_address(host, port)
    except StartupError:
        if not _is_alive(host, port):
            raise
        return note("SERVER_PORT", f"port {port} of {host} is taken, by a service such as this")
    return good("SERVER_PORT", f"port {port} of {host} is free")


def _is_alive(host: str, port: int) -> bool:
    """Return whether a service such as this one answers there."""
    connection = HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", LIVE)
        return b"alive" in connection.getresponse().read(100)
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


async def check_introspection(settings: Settings) -> CheckResult:
    """Ask about a token that was never issued: the right answer is that it is not active."""
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
