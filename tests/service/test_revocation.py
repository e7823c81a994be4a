"""Revocation by jti: the list in memory, the file it comes from, and both at work."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from encore.auth.revocation import RevocationList
from tests.fixtures.gate import StartGate
from tests.fixtures.problems import assert_problem
from tests.fixtures.system import START_SECONDS


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "revoked.txt"


def test_a_jti_on_a_line_is_revoked_and_nothing_else_is(file: Path) -> None:
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


def test_a_file_that_is_too_large_or_no_text_is_refused(file: Path) -> None:
    revoked = RevocationList(file, max_bytes=10)
    file.write_text("x" * 11)
    with pytest.raises(ValueError, match="larger than 10 bytes"):
        revoked.read()
    file.write_bytes(b"\xff\n")
    with pytest.raises(ValueError, match="utf-8"):
        revoked.read()


def test_a_list_that_is_lost_stays_in_force_and_a_new_one_takes_its_place(file: Path) -> None:
    file.write_text("AT.1\n")
    revoked = RevocationList(file)
    revoked.read()

    async def until(condition: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not revoked({"jti": condition}):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.001)

    async def scenario() -> None:
        watching = asyncio.create_task(revoked.watch(0.001))
        file.unlink()  # noqa: ASYNC240  a test's own small file
        await asyncio.sleep(0.05)
        assert revoked({"jti": "AT.1"})
        file.write_bytes(b"\xff")  # noqa: ASYNC240  a test's own small file
        await asyncio.sleep(0.05)
        assert revoked({"jti": "AT.1"})
        file.write_text("AT.2\n")  # noqa: ASYNC240  a test's own small file
        await until("AT.2")
        assert not revoked({"jti": "AT.1"})
        watching.cancel()

    asyncio.run(scenario())


def test_a_running_service_refuses_a_token_once_its_jti_is_in_the_file(
    start_gate: StartGate, file: Path
) -> None:
    file.write_text("")
    gate = start_gate(REVOKED_TOKENS_FILE=str(file))
    stolen, other = gate.bearer(jti="AT.stolen"), gate.bearer(jti="AT.other")
    assert httpx.get(f"{gate.url}/items", headers=stolen).status_code == 200
    file.write_text("AT.stolen\n")
    deadline = time.monotonic() + START_SECONDS
    while (response := httpx.get(f"{gate.url}/items", headers=stolen)).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert_problem(response, 401, "invalid-token", "Jwt is not valid")
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert gate.log_line_of(response)["reason"] == "token-revoked"
    assert httpx.get(f"{gate.url}/items", headers=other).status_code == 200
