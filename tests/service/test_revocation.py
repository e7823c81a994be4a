"""Revocation by ``jti``: the list, its file, and a running service."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest
from dotenv import dotenv_values

from encore.auth.revocation import RevocationList
from tests.fixtures.gate import StartGate
from tests.fixtures.problems import assert_problem
from tests.fixtures.system import START_SECONDS, System


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "revoked.txt"


def test_only_listed_jti_is_revoked(file: Path) -> None:
    file.write_text("# stolen on Monday\nAT.1\n\n  AT.2  \r\n#AT.3\n", newline="")
    revoked = RevocationList(file)
    revoked.read()
    assert len(revoked) == 2
    assert revoked({"jti": "AT.1"})
    assert revoked({"jti": "AT.2"})
    assert not revoked({"jti": "AT.3"})
    assert not revoked({"jti": "AT"})
    assert not revoked({"jti": ""})
    assert not revoked({})


def test_file_too_large_or_not_utf_8_is_rejected(file: Path) -> None:
    revoked = RevocationList(file, max_bytes=10)
    file.write_text("x" * 11)
    with pytest.raises(ValueError, match="larger than 10 bytes"):
        revoked.read()
    file.write_bytes(b"\xff\n")
    with pytest.raises(ValueError, match="utf-8"):
        revoked.read()


def test_list_is_kept_when_the_file_is_unreadable_and_replaced_by_a_new_file(file: Path) -> None:
    file.write_text("AT.1\n")
    revoked = RevocationList(file)
    revoked.read()

    async def wait_until_revoked(jti: str, *, expected: bool = True) -> None:
        deadline = time.monotonic() + START_SECONDS
        while revoked({"jti": jti}) is not expected:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.001)

    async def scenario() -> None:
        watching = asyncio.create_task(revoked.watch(0.001))
        file.unlink()  # noqa: ASYNC240 - a small local file
        await asyncio.sleep(0.05)
        assert revoked({"jti": "AT.1"})
        file.write_bytes(b"\xff")  # noqa: ASYNC240 - a small local file
        await asyncio.sleep(0.05)
        assert revoked({"jti": "AT.1"})
        file.write_text("AT.2\n")  # noqa: ASYNC240 - a small local file
        await wait_until_revoked("AT.2")
        await wait_until_revoked("AT.1", expected=False)
        watching.cancel()

    asyncio.run(scenario())


def test_running_service_rejects_a_token_once_its_jti_is_listed(
    start_gate: StartGate, file: Path
) -> None:
    file.write_text("")
    gate = start_gate(REVOKED_TOKENS_FILE=str(file))
    revoked_headers, other_headers = gate.bearer(jti="AT.stolen"), gate.bearer(jti="AT.other")
    assert httpx.get(f"{gate.url}/items", headers=revoked_headers).status_code == 200
    file.write_text("AT.stolen\n")
    deadline = time.monotonic() + START_SECONDS
    while (response := httpx.get(f"{gate.url}/items", headers=revoked_headers)).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert_problem(response, 401, "invalid-token", "Jwt is not valid")
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert gate.log_line_of(response)["reason"] == "token-revoked"
    assert httpx.get(f"{gate.url}/items", headers=other_headers).status_code == 200


def test_token_revoked_at_the_development_issuer_is_rejected_by_the_service(
    system: System,
) -> None:
    revoked, other = system.token(), system.token()
    local_settings = dotenv_values(system.directory / ".env.local")
    url = f"{system.url}/parts"
    assert httpx.get(url, headers=_bearer(revoked)).status_code == 200
    httpx.post(
        f"{system.issuer}/v1/revoke",
        auth=(local_settings["CLIENT_ID"] or "", local_settings["CLIENT_SECRET"] or ""),
        data={"token": revoked},
    ).raise_for_status()
    deadline = time.monotonic() + START_SECONDS
    while (response := httpx.get(url, headers=_bearer(revoked))).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert_problem(response, 401, "invalid-token", "Jwt is not valid")
    assert httpx.get(url, headers=_bearer(other)).status_code == 200


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
