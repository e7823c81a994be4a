"""A service in production: its start, its documentation, its migrations and its doctor."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from alembic.util import CommandError

from encore.migrations.settings import MigrationSettings
from tests.doctor.test_doctor import doctor
from tests.fixtures.gate import RunningGate, StartGate
from tests.fixtures.item_service import SERVICE
from tests.fixtures.problems import assert_problem
from tests.fixtures.system import START_SECONDS, environment_of

ISSUER = "https://issuer.invalid/oauth2/default"
REMOTE = "postgresql://user:secret@db.invalid/name"
DOCS = ("/docs", "/docs-assets/swagger-ui.css", "/openapi.json", "/")


@pytest.fixture(scope="module")
def production(start_gate: StartGate) -> RunningGate:
    return start_gate(ENVIRONMENT="production", ISSUER=ISSUER)


def test_docs_of_production_require_a_token(production: RunningGate) -> None:
    for path in DOCS:
        for accept in ("text/html", "*/*"):
            response = httpx.get(f"{production.url}{path}", headers={"Accept": accept})
            assert_problem(response, 401, "invalid-token")
            assert response.headers["www-authenticate"] == "Bearer"
            assert "/docs" not in response.text.replace(f'"instance":"{path}"', "")
            assert "link" not in response.headers
    assert httpx.get(f"{production.url}/readyz").status_code == 200


def test_docs_of_production_are_public_if_a_setting_says_so(start_gate: StartGate) -> None:
    gate = start_gate(ENVIRONMENT="production", ISSUER=ISSUER, PUBLIC_DOCS="true")
    for path in DOCS[:3]:
        assert httpx.get(f"{gate.url}{path}").status_code == 200
    assert httpx.get(gate.url, headers={"Accept": "text/html"}).status_code == 303


def test_private_docs_are_shown_to_a_token_and_kept_by_its_browser_only(
    start_gate: StartGate,
) -> None:
    gate = start_gate(PUBLIC_DOCS="false")
    for path in DOCS[:3]:
        assert httpx.get(f"{gate.url}{path}").status_code == 401
        response = httpx.get(f"{gate.url}{path}", headers=gate.bearer(scp=["other"]))
        assert response.status_code == 200
        # Its caller's browser keeps it, and asks each time whether it has changed.
        assert response.headers.get_list("cache-control") == ["private, no-cache"]
        assert "Authorization" in response.headers["vary"]
    assert "cache-control replaced" not in gate.log()
    policies = httpx.get(f"{gate.url}/docs", headers=gate.bearer()).headers
    assert len(policies.get_list("content-security-policy")) == 1


@pytest.mark.processes
def test_development_settings_are_refused_at_the_start_in_one_line_each(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ISSUER=http://localhost:3001/oauth2/default\n")
    completed = subprocess.run(
        [sys.executable, "-m", "encore", "serve", SERVICE],
        cwd=tmp_path,
        env=environment_of(ENVIRONMENT="production", DATABASE_URL=REMOTE),
        capture_output=True,
        text=True,
        check=False,
        timeout=START_SECONDS,
    )
    assert (completed.returncode, completed.stdout) == (1, "")
    issuer, database = completed.stderr.splitlines()
    assert issuer.startswith("encore: ISSUER: is from .env, which is committed")
    assert database.startswith("encore: DATABASE_URL: must name a server on this machine")
    assert "secret" not in completed.stderr


def test_migration_of_production_refuses_an_unencrypted_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(CommandError, match="DATABASE_URL: must name a server") as refused:
        MigrationSettings.load(REMOTE)
    assert "secret" not in str(refused.value)
    MigrationSettings.load(f"{REMOTE}?sslmode=verify-full")
    monkeypatch.setenv("UNENCRYPTED_DATABASE", "true")
    MigrationSettings.load(REMOTE)
    monkeypatch.setenv("UNENCRYPTED_DATABASE", "yes")
    with pytest.raises(CommandError, match="UNENCRYPTED_DATABASE: must be one of true, false"):
        MigrationSettings.load(REMOTE)


def test_doctor_says_in_development_what_production_would_refuse(gate: RunningGate) -> None:
    (gate.directory / ".env").write_text(f"ISSUER={gate.issuer.issuer}\n")
    environment = dict(gate.environment)
    try:
        del gate.environment["ISSUER"]
        status, output = doctor(gate)
    finally:
        gate.environment = environment
        (gate.directory / ".env").unlink()
    assert status == 0
    refusal = "ENVIRONMENT=production would refuse it"
    assert f"note  ISSUER: {refusal}: is from .env, which is committed" in output
    assert f"note  ISSUER: {refusal}: must use https" in output


def test_doctor_reports_what_production_refuses_and_allows(gate: RunningGate) -> None:
    status, output = doctor(gate, ENVIRONMENT="production")
    assert status == 1
    assert output.startswith("FAIL  ISSUER: must use https")
    allowed = {"PUBLIC_DOCS": "true", "UNENCRYPTED_DATABASE": "true", "DATABASE_URL": REMOTE}
    allowed |= {"DATABASE_WAIT_SECONDS": "0"}
    _, output = doctor(gate, ENVIRONMENT="production", ISSUER=ISSUER, **allowed)
    assert "ok    ENVIRONMENT: production; nothing that it refuses is set" in output
    assert "note  PUBLIC_DOCS: anybody can read /docs" in output
    assert "note  UNENCRYPTED_DATABASE: data may cross the network" in output
