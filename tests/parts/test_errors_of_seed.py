"""The four errors of the seed, with its messages and the right statuses."""

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.fixtures.system import System


@pytest.mark.parametrize(
    ("headers", "message", "challenge"),
    [
        ({}, "You must send an Authorization header", "Bearer"),
        ({"Authorization": "Basic asdf:1234"}, "Expected a Bearer token", "Bearer"),
        (
            {"Authorization": "Bearer asdf"},
            "Jwt cannot be parsed",
            'Bearer error="invalid_token"',
        ),
    ],
)
def test_request_without_a_valid_token_is_rejected_with_the_seeds_message(
    system: System, headers: dict[str, str], message: str, challenge: str
) -> None:
    response = httpx.get(f"{system.url}/parts", headers=headers)
    body = assert_problem(response, 401, "invalid-token", message)
    assert body["title"] == "Missing or invalid token"
    assert response.headers["www-authenticate"].startswith(challenge)


def test_token_without_the_scope_is_rejected_with_the_seeds_message(system: System) -> None:
    headers = {"Authorization": f"Bearer {system.token('another_scope')}"}
    response = httpx.get(f"{system.url}/parts", headers=headers)
    body = assert_problem(response, 403, "forbidden", "Could not verify the proper scope")
    assert body["title"] == "Forbidden"
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
    assert 'scope="parts_manager"' in response.headers["www-authenticate"]
