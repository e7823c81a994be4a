"""Fixtures of the client library: a service and its issuer on real sockets, and clients of it."""

from collections.abc import Iterator

import pytest
from dotenv import dotenv_values

from encore.client import Client, ClientCredentials
from tests.fixtures.system import System, start_shop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The shop service over SQLite."""
    system = start_shop(tmp_path_factory.mktemp("shop"), LOG_LEVEL="warning")
    yield system
    system.stop()


@pytest.fixture(scope="session")
def shop_auth(shop: System) -> ClientCredentials:
    values = dotenv_values(shop.directory / ".env.local")
    return ClientCredentials(
        shop.issuer, values["CLIENT_ID"] or "", values["CLIENT_SECRET"] or "", scope=shop.scope
    )


@pytest.fixture
def client(shop: System, shop_auth: ClientCredentials) -> Iterator[Client]:
    with Client(shop.url, auth=shop_auth) as client:
        yield client
