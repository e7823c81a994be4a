"""The three routes of Auth0's Express quickstart, in its words."""

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.fixtures.system import System

pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)

PUBLIC_WORDS = "Hello from a public endpoint! You don't need to be authenticated to see this."
PRIVATE_WORDS = "Hello from a private endpoint! You need to be authenticated to see this."
SCOPED_WORDS = (
    "Hello from a private endpoint! You need to be authenticated and have a scope of"
    " read:messages to see this."
)


def ask(system: System, path: str, scope: str | None) -> httpx.Response:
    """Request a route, with a token of this scope or without one."""
    headers = {"Authorization": f"Bearer {system.token(scope)}"} if scope else {}
    return httpx.get(f"{system.url}/api/{path}", headers=headers)


def test_public_message_needs_no_token(system: System) -> None:
    for scope in (None, "read:messages"):
        response = ask(system, "public", scope)
        assert (response.status_code, response.json()) == (200, {"message": PUBLIC_WORDS})


def test_private_message_needs_any_token(system: System) -> None:
    assert_problem(ask(system, "private", None), 401, "invalid-token")
    response = ask(system, "private", "another")
    assert (response.status_code, response.json()) == (200, {"message": PRIVATE_WORDS})


def test_scoped_message_needs_its_scope(system: System) -> None:
    assert_problem(ask(system, "private-scoped", "another"), 403, "forbidden")
    response = ask(system, "private-scoped", "read:messages")
    assert (response.status_code, response.json()) == (200, {"message": SCOPED_WORDS})
