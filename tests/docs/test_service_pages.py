"""Pages without Python: each of their requests is sent to the running service.

An ``env`` block of a page has the settings that its service runs with; pages without one share a
service. The header ``As`` names the caller; without it, it is a client with the scope of parts.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from dotenv import dotenv_values

from tests.fixtures.pages import (
    Exchange,
    assert_contains,
    code_blocks,
    pages,
    parse_exchange,
    with_preludes,
)
from tests.fixtures.system import System, start_system
from tests.timesheets.conftest import SCOPES, ApiUsers

pytestmark = pytest.mark.processes

JOB: Final = "job"
"""The caller of a page that is a client rather than a person."""

PAGES: Final = [
    page
    for page in pages()
    if list(code_blocks(page, "http"))
    and not list(code_blocks(page, "python"))
    and len(with_preludes(page)) == 1
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The service of pages that need no settings."""
    system = start_system(tmp_path_factory.mktemp("service"), LOG_LEVEL="warning")
    yield system
    system.stop()


@pytest.fixture
def users(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ApiUsers]:
    """Return users of a service with the page's settings."""
    settings: dict[str, str] = {}
    for _, text in code_blocks(page, "env"):
        (tmp_path / "page.env").write_text(text, encoding="utf-8")
        settings |= {k: v or "" for k, v in dotenv_values(tmp_path / "page.env").items()}
    system = (
        start_system(tmp_path, LOG_LEVEL="warning", **settings)
        if settings
        else request.getfixturevalue("shared")
    )
    users = ApiUsers(system)
    yield users
    users.close()
    if settings:
        system.stop()


def caller(users: ApiUsers, exchange: Exchange) -> httpx.Client:
    """Return the client that sends a request."""
    match exchange.headers.get("As"):
        case None:
            return users.system.client
        case name if name == JOB:
            return users.machine(f"{SCOPES} batch:upload")
        case name:
            return users.person(name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_requests_are_answered_as_the_page_says(page: Path, users: ApiUsers) -> None:
    for exchange in [parse_exchange(text) for _, text in code_blocks(page, "http")]:
        headers = {"Content-Type": "application/json"} | exchange.headers
        headers.pop("As", None)
        response = caller(users, exchange).request(
            exchange.method, exchange.path, content=exchange.body.encode(), headers=headers
        )
        assert response.status_code == exchange.status, (exchange, response.text)
        assert_contains(response.json(), exchange.expected)
        assert_contains(response.headers, exchange.response_headers)
