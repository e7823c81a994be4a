"""A running service, its OpenAPI document in a file, and what programs that call it need."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from dotenv import dotenv_values

from tests.fixtures.system import System, start_system

_SCOPES = " ".join(
    (
        "parts_manager",
        "batch:upload",
        *(f"{verb}:timesheets" for verb in ("create", "read", "delete", "approve")),
    )
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Return the service over SQLite: documents differ by database in few formats only."""
    system = start_system(tmp_path_factory.mktemp("service"), LOG_LEVEL="warning")
    yield system
    system.stop()


@pytest.fixture(scope="module")
def document(service: System) -> Path:
    """Return the file of the document that the service serves."""
    file = service.directory / "openapi.json"
    file.write_bytes(httpx.get(f"{service.url}/openapi.json").raise_for_status().content)
    return file


@pytest.fixture(scope="module")
def environment(service: System) -> dict[str, str]:
    """Return the URL and two tokens: of a client, and of a person who may approve its entries."""
    token = service.token(_SCOPES)
    return {
        "API_URL": service.url,
        "API_TOKEN": token,
        "TOKEN": token,
        "APPROVER_TOKEN": _token_of_person(service),
    }


def _token_of_person(service: System) -> str:
    settings = dotenv_values(service.directory / ".env.local")
    response = httpx.post(
        f"{service.issuer}/v1/token",
        auth=(settings["CLIENT_ID"] or "", settings["CLIENT_SECRET"] or ""),
        data={"grant_type": "password", "username": "boss", "password": "any", "scope": _SCOPES},
    )
    token: str = response.raise_for_status().json()["access_token"]
    return token
