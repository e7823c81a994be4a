"""Checks of the environment: the database, the port, the introspection endpoint."""

import secrets
from http.client import HTTPConnection, HTTPException
from typing import Final

from encore.auth.document_fetcher import FetchError
from encore.auth.introspection_client import IntrospectionClient
from encore.doctor.check_result import CheckResult, failed, note, ok
from encore.errors import StartupError
from encore.server.server import check_address
from encore.service import Service
from encore.service.health import LIVE
from encore.settings import Settings

_HTTP_ERRORS: Final = {
    "status-400": "it rejects the request; is this the introspection endpoint?",
    "status-401": "this client is rejected; check INTROSPECTION_CLIENT_ID and ..._SECRET",
    "status-403": "it rejects this client; allow it to introspect",
    "status-404": "it does not exist; see introspection_endpoint in the issuer's discovery",
}


def check_database(service: Service) -> CheckResult:
    """Check that the database can be read and fits the code. Raises ``StartupError``."""
    service.schema().check()
    state = "is at the newest revision" if service.migrations else "has the tables of all models"
    return ok("DATABASE_URL", f"the database {state}")


def check_port(service: Service) -> CheckResult:
    """Check that the port is free, or used by this service. Raises ``StartupError``."""
    host, port = service.settings.server_host, service.settings.server_port
    try:
        check_address(host, port)
    except StartupError:
        if not _is_alive(host, port):
            raise
        return note("SERVER_PORT", f"port {port} of {host} is taken by a running service")
    return ok("SERVER_PORT", f"port {port} of {host} is free")


def _is_alive(host: str, port: int) -> bool:
    """Return whether a service of this library responds there."""
    connection = HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", LIVE)
        return b"alive" in connection.getresponse().read(100)
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


async def check_introspection(settings: Settings) -> CheckResult:
    """Check that introspection of a token that was never issued returns that it is inactive."""
    subject = "INTROSPECTION_URL"
    endpoint = IntrospectionClient(
        settings.introspection_url,
        settings.introspection_client_id,
        settings.introspection_client_secret,
    )
    try:
        response = await endpoint(secrets.token_urlsafe())
    except FetchError as error:
        code = str(error)
        default = f"it cannot be reached ({code}); check the URL and the network"
        return failed(subject, _HTTP_ERRORS.get(code, default))
    finally:
        await endpoint.aclose()
    if response.get("active") is not False:
        return failed(subject, "it does not report an invented token as inactive")
    return ok(subject, "it responds")
