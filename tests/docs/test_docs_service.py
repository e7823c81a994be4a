"""Pages without Python: each of their requests is sent to the running service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.conftest import start_system
from tests.fixtures.pages import (
    DOCS,
    assert_contains,
    code_blocks,
    parse_exchange,
)
from tests.timesheets.conftest import SCOPES, Office

PAGES: Final = [DOCS / "how-to/timesheets.md"]
JOB: Final = "job"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    system = start_system(tmp_path, LOG_LEVEL="warning")
    office = Office(system)
    yield office
    office.close()
    system.stop()


def caller(office: Office, name: str) -> httpx.Client:
    return office.machine(f"{SCOPES} batch:upload") if name == JOB else office.person(name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_requests_are_answered_as_the_page_says(page: Path, office: Office) -> None:
    exchanges = [parse_exchange(text) for _, text in code_blocks(page, "http")]
    assert exchanges
    for exchange in exchanges:
        headers = {"Content-Type": "application/json"} | exchange.headers
        client = caller(office, headers.pop("As"))
        response = client.request(
            exchange.method, exchange.path, content=exchange.body.encode(), headers=headers
        )
        assert response.status_code == exchange.status, (exchange, response.text)
        assert_contains(response.json(), exchange.expected)
