"""The three routes of Auth0's Express quickstart, with its messages."""

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.fixtures.system import System

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)

PUBLIC_MESSAGE = "Hello from a public endpoint! You don't need to be authenticated to see this."
PRIVATE_MESSAGE = "Hello from a private endpoint! You need to be authenticated to see this."
SCOPED_MESSAGE = (
    "Hello from a private endpoint! You need to be authenticated and have a scope of"
    " read:messages to see this."
)


def send_request(system: System, path: str, scope: str | None) -> httpx.Response:
    """Request a route, with a token of this scope or without one."""
    headers = {"Authorization": f"Bearer {system.token(scope)}"} if scope else {}
    return httpx.get(f"{system.url}/api/{path}", headers=headers)


def test_public_message_needs_no_token(system: System) -> None:
    for scope in (None, "read:messages"):
        response = send_request(system, "public", scope)
        assert (response.status_code, response.json()) == (200, {"message": PUBLIC_MESSAGE})


def test_private_message_needs_any_token(system: System) -> None:
    assert_problem(send_request(system, "private", None), 401, "invalid-token")
    response = send_request(system, "private", "another")
    assert (response.status_code, response.json()) == (200, {"message": PRIVATE_MESSAGE})


def test_scoped_message_needs_its_scope(system: System) -> None:
    assert_problem(send_request(system, "private-scoped", "another"), 403, "forbidden")
    response = send_request(system, "private-scoped", "read:messages")
    assert (response.status_code, response.json()) == (200, {"message": SCOPED_MESSAGE})
