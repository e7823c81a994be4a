"""Fixtures and requests of the tests of timesheets."""

from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from dotenv import dotenv_values

from db.models.timesheet import Timesheet
from db.models.timesheet_lock import TimesheetLock
from encore.database.engine import with_connection
from tests.fixtures.system import System

SCOPES = " ".join(f"{verb}:timesheets" for verb in ("create", "read", "delete", "approve", "lock"))
DATED = {
    "user_id": "007",
    "date": "2017-05-10T17:40:20.095Z",
    "project": "StoreZero",
    "hours": 5,
}
WEEKLY = {
    "user_type": "Employee",
    "user_id": "007",
    "year": 2016,
    "week": 24,
    "project": "StoreZero",
    "hours": 40,
}
CLIENT = "development-client"


class ApiUsers:
    """HTTP clients of one system: for the development client itself, and for users."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._settings = dotenv_values(system.directory / ".env.local")
        self._clients: dict[tuple[str, ...], httpx.Client] = {}
        self._opened: list[httpx.Client] = []

    def machine(self, scopes: str = SCOPES) -> httpx.Client:
        """Return an HTTP client with a client-credentials token."""
        return self._client("client_credentials", scopes)

    def person(self, name: str, scopes: str = SCOPES) -> httpx.Client:
        """Return an HTTP client with a token of this user."""
        return self._client("password", scopes, name)

    def token(self, path: str, **form: str) -> str:
        """Request a token from one of the issuer's token endpoints, as the development client."""
        origin = self.system.issuer.removesuffix("/oauth2/default")
        auth = (self._settings["CLIENT_ID"] or "", self._settings["CLIENT_SECRET"] or "")
        response = httpx.post(f"{origin}{path}", auth=auth, data=form)
        token: str = response.raise_for_status().json()["access_token"]
        return token

    def with_token(self, token: str) -> httpx.Client:
        """Return an HTTP client with this token."""
        headers = {"Authorization": f"Bearer {token}"}
        client = httpx.Client(base_url=self.system.url, headers=headers, timeout=30)
        self._opened.append(client)
        return client

    def delete_entries(self) -> None:
        """Delete every timesheet and every lock; the history stays."""
        with_connection(self.system.database_url, delete_entries)

    def _client(self, grant: str, scopes: str, name: str = "") -> httpx.Client:
        key = (grant, scopes, name)
        if key not in self._clients:
            form = {"grant_type": grant, "scope": scopes}
            if name:
                form |= {"username": name, "password": "any"}
            self._clients[key] = self.with_token(self.token("/oauth2/default/v1/token", **form))
        return self._clients[key]

    def close(self) -> None:
        """Close all HTTP clients."""
        for client in self._opened:
            client.close()


@pytest.fixture(scope="session")
def session_users(system: System) -> Iterator[ApiUsers]:
    """Return users of the system, on each database."""
    users = ApiUsers(system)
    yield users
    users.close()


@pytest.fixture
def users(session_users: ApiUsers) -> ApiUsers:
    """Return users of the system without timesheets."""
    session_users.delete_entries()
    return session_users


@pytest.fixture
def machine(users: ApiUsers) -> httpx.Client:
    """Return a machine client with all scopes, of a system without timesheets."""
    return users.machine()


def delete_entries(connection: sa.Connection) -> None:
    """Delete every timesheet and every lock; the history stays."""
    connection.execute(sa.delete(Timesheet))
    connection.execute(sa.delete(TimesheetLock))
    connection.commit()


def create_entry(client: httpx.Client, entry: dict[str, Any] | None = None, **values: Any) -> Any:
    """Post an entry, by default the seed's dated one, with these values; return the response."""
    response = client.post("/timesheets", json={**(entry or DATED), **values})
    assert response.status_code == 201, response.text
    return response.json()


def decide(client: httpx.Client, id_: int, **decision: Any) -> httpx.Response:
    """Decide on an entry as it is now; the default approves. Return the response."""
    body = {"version": version_of(client, id_), **decision}
    return client.put(f"/approvals/{id_}", json=body)


def decide_many(client: httpx.Client, ids: Sequence[int], **decision: Any) -> httpx.Response:
    """Decide on entries as they are now; the default approves. Return the response."""
    entries = [{"id": id_, "version": version_of(client, id_)} for id_ in ids]
    return client.put("/approvals", json={"entries": entries, **decision})


def version_of(client: httpx.Client, id_: int) -> int:
    """Return the version of an entry as an approver sees it; 1 if it does not exist."""
    response = client.get(f"/approvals/{id_}?fields=version")
    version: int = response.json()["version"] if response.status_code == 200 else 1
    return version


def read(client: httpx.Client, path: str, **params: Any) -> Any:
    """Return the JSON of a GET request."""
    response = client.get(path, params=params)
    assert response.status_code == 200, response.text
    return response.json()


def messages(response: httpx.Response) -> dict[str, str]:
    """Return the error message of each field."""
    return {error["field"]: error["message"] for error in response.json()["errors"]}
