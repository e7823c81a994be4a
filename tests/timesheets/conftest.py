"""The timesheets of the running system, on each database, and who works with them."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from dotenv import dotenv_values

from db.models.timesheet import Timesheet
from encore.database.engine import with_connection
from tests.fixtures.system import System

SCOPES = "create:timesheets read:timesheets delete:timesheets approve:timesheets"
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


class Office:
    """Callers of one system: machines with a token of their own, and persons."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._known = dotenv_values(system.directory / ".env.local")
        self._clients: dict[tuple[str, ...], httpx.Client] = {}
        self._opened: list[httpx.Client] = []

    def machine(self, scopes: str = SCOPES) -> httpx.Client:
        """Give the development client, calling for itself."""
        return self._client("client_credentials", scopes)

    def person(self, name: str, scopes: str = SCOPES) -> httpx.Client:
        """Give a person who calls by the development client."""
        return self._client("password", scopes, name)

    def token(self, path: str, **form: str) -> str:
        """Get a token at any of the issuer's token endpoints, as the development client."""
        origin = self.system.issuer.removesuffix("/oauth2/default")
        auth = (self._known["CLIENT_ID"] or "", self._known["CLIENT_SECRET"] or "")
        response = httpx.post(f"{origin}{path}", auth=auth, data=form)
        token: str = response.raise_for_status().json()["access_token"]
        return token

    def with_token(self, token: str) -> httpx.Client:
        """Give a caller with this token."""
        headers = {"Authorization": f"Bearer {token}"}
        client = httpx.Client(base_url=self.system.url, headers=headers, timeout=30)
        self._opened.append(client)
        return client

    def empty(self) -> None:
        """Take away every timesheet; the history of them stays."""
        with_connection(self.system.database_url, _empty)

    def _client(self, grant: str, scopes: str, name: str = "") -> httpx.Client:
        who = (grant, scopes, name)
        if who not in self._clients:
            form = {"grant_type": grant, "scope": scopes}
            if name:
                form |= {"username": name, "password": "any"}
            self._clients[who] = self.with_token(self.token("/oauth2/default/v1/token", **form))
        return self._clients[who]

    def close(self) -> None:
        """Close what the callers hold open."""
        for client in self._opened:
            client.close()


@pytest.fixture(scope="session")
def callers(system: System) -> Iterator[Office]:
    """Callers of the system on each database."""
    office = Office(system)
    yield office
    office.close()


@pytest.fixture
def office(callers: Office) -> Office:
    """The same, with no timesheet yet."""
    callers.empty()
    return callers


@pytest.fixture
def machine(office: Office) -> httpx.Client:
    """A client that may do anything, with no timesheet yet."""
    return office.machine()


def _empty(connection: sa.Connection) -> None:
    connection.execute(sa.delete(Timesheet))
    connection.commit()


def made(client: httpx.Client, entry: dict[str, Any] | None = None, **values: Any) -> Any:
    """Post an entry, the dated one of the seeds but for these values; give it as answered."""
    response = client.post("/timesheets", json={**(entry or DATED), **values})
    assert response.status_code == 201, response.text
    return response.json()


def read(client: httpx.Client, path: str, **params: Any) -> Any:
    """Get what is there."""
    response = client.get(path, params=params)
    assert response.status_code == 200, response.text
    return response.json()


def messages(response: httpx.Response) -> dict[str, str]:
    """Give what a refusal says of each field."""
    return {error["field"]: error["message"] for error in response.json()["errors"]}
