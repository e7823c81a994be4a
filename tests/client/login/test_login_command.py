"""``login``: who requests are sent as, said each time, until the login ends."""

import io
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jose import jwt

from client.cli import main
from client.environment import Environment
from tests.client.conftest import FakeServer, Run
from tests.client.login.browser import allow
from tests.fixtures.system import environment_of

BROWSER = Path(__file__).with_name("browser.py")
NO_CREDENTIALS: Any = {"CLIENT_ID": None, "CLIENT_SECRET": None, "SCOPE": None}
AT_ISSUER: Any = {"SCOPE": "a b", "DISPLAY": "", "BROWSER": ""}


class Screen(io.StringIO):
    """A stderr whose reader opens the address that it shows."""

    def write(self, text: str) -> int:
        for url in re.findall(r"^http\S+authorize\S+$", text, re.MULTILINE):
            threading.Thread(target=allow, args=(url,)).start()
        return super().write(text)


def log_in(run: Run) -> str:
    """Log ada in; return what was said."""
    variables = {name: run.environment[name] for name in ("ISSUER", "AUDIENCE")} | AT_ISSUER
    variables["XDG_STATE_HOME"] = str(run.directory / "state")
    argv, screen = ("login", "--browser"), Screen()
    environment = Environment(
        argv, variables, str(run.directory), io.StringIO(), io.StringIO(), screen
    )
    assert main(environment) == 0, screen.getvalue()
    return screen.getvalue()


@pytest.fixture
def logged_in(run: Run) -> Run:
    """A run after ada has logged in."""
    last = log_in(run).splitlines()[-1]
    assert last.startswith(f"Logged in at {run.environment['ISSUER']} as ada, ")
    assert last.endswith("; scopes: a b.")
    return run


def subject_of(result: Any) -> str:
    assert result.code == 0, result.err
    subject: str = jwt.get_unverified_claims(result.out.strip())["sub"]
    return subject


def test_login_is_used_and_said_until_logout(logged_in: Run) -> None:
    (logged_in.directory / ".env.local").write_text(
        "".join(
            f"{name}={logged_in.environment[name]}\n" for name in ("CLIENT_ID", "CLIENT_SECRET")
        )
        + "SCOPE=a\n"
    )
    result = logged_in("token", **NO_CREDENTIALS)
    assert subject_of(result) == "ada"
    assert result.err == f"Sent as ada, logged in at {logged_in.environment['ISSUER']}.\n"
    assert logged_in("token", **NO_CREDENTIALS).out == result.out
    out = logged_in("logout", **NO_CREDENTIALS)
    assert out.code == 0, out.err
    assert "ada is logged out" in out.err
    after = logged_in("token", **NO_CREDENTIALS)
    assert (subject_of(after), after.err) == ("dev", "")


@pytest.mark.processes
def test_browser_of_this_machine_is_opened(run: Run) -> None:
    environment = environment_of(
        ISSUER=run.environment["ISSUER"],
        SCOPE="a b",
        BROWSER=f"{sys.executable} {BROWSER} %s",
        XDG_STATE_HOME=str(run.directory / "state"),
    )
    command = [sys.executable, "-m", "client", "login"]
    ended = subprocess.run(
        command, env=environment, cwd=run.directory, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert "Logged in at " in ended.stderr


def test_credentials_in_the_environment_override_the_login(logged_in: Run) -> None:
    result = logged_in("token")
    assert (subject_of(result), result.err) == ("dev", "")
    assert logged_in("token", TOKEN="a.b", **NO_CREDENTIALS).out == "a.b\n"


def test_login_at_another_issuer_is_not_used(logged_in: Run) -> None:
    result = logged_in("token", **NO_CREDENTIALS | {"ISSUER": "http://localhost:1/other"})
    assert result.code == 11
    assert "CLIENT_ID is not set" in result.err


def test_scope_that_the_login_lacks_is_refused(logged_in: Run) -> None:
    assert subject_of(logged_in("token", **NO_CREDENTIALS | {"SCOPE": "b"})) == "ada"
    result = logged_in("token", **NO_CREDENTIALS | {"SCOPE": "b write:all"})
    assert (result.code, result.out) == (11, "")
    assert "asks for write:all, which the login of ada does not have" in result.err


@pytest.mark.parametrize("damage", ["", "{", '{"version": 1, "issuer": {}}', "link", "mode"])
def test_login_that_cannot_be_used_is_no_reason_to_act_as_someone_else(
    logged_in: Run, damage: str
) -> None:
    tokens = logged_in.directory / "state/encore/tokens"
    (file,) = (path for path in tokens.glob("login-*.json") if "person" in path.read_text())
    if damage == "mode":
        file.chmod(0o644)
    elif damage == "link":
        file.rename(file.with_suffix(".moved"))
        file.symlink_to(file.with_suffix(".moved"))
    else:
        file.write_text(damage)
    (logged_in.directory / ".env.local").write_text(
        f"CLIENT_ID=dev\nCLIENT_SECRET={logged_in.environment['CLIENT_SECRET']}\nSCOPE=a\n"
    )
    for _ in range(2):
        result = logged_in("token", **NO_CREDENTIALS)
        assert (result.code, result.out) == (11, "")
        assert "python -m client logout" in result.err
    assert logged_in("logout", **NO_CREDENTIALS).code == 0
    assert logged_in("token", **NO_CREDENTIALS).code == 0


def test_login_that_has_ended_is_an_error(logged_in: Run) -> None:
    for path in (logged_in.directory / "state/encore/tokens").glob("login-*.json"):
        members = json.loads(path.read_text())
        if "access_token" in members:
            members |= {"renew_at": 1.0, "expires_at": 2.0, "refresh_token": ""}
            path.write_text(json.dumps(members))
    result = logged_in("token", **NO_CREDENTIALS)
    assert (result.code, result.out) == (6, "")
    assert "The login of ada at " in result.err
    assert "has ended: python -m client login" in result.err


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        (b"<html>", 9, "no discovery document"),
        ({"issuer": "http://other.example"}, 11, "http://other.example"),
        ({"token_endpoint": "ftp://x"}, 9, "must start with http"),
        ({"token_endpoint": 7}, 9, "malformed"),
        ({"token_endpoint": "http://other.example/token"}, 4, "in clear"),
        ({"authorization_endpoint": "http://localhost/a"}, 9, "no token_endpoint"),
        ({"token_endpoint": "http://localhost/t"}, 9, "does not offer the authorization code"),
        (
            {
                "token_endpoint": "http://localhost/t",
                "authorization_endpoint": "http://localhost/a",
                "code_challenge_methods_supported": ["plain"],
            },
            9,
            "PKCE (S256)",
        ),
    ],
)
def test_issuer_that_cannot_be_used_is_reported(
    run: Run, fake_server: Callable[[], FakeServer], document: Any, code: int, words: str
) -> None:
    server = fake_server()
    issuer = f"{server.url}/oauth2/default"
    for _ in range(2):
        server.respond(
            200, {"issuer": issuer} | document if isinstance(document, dict) else document
        )
    result = run("login", ISSUER=issuer, **AT_ISSUER)
    assert (result.code, result.out) == (code, "")
    assert words in result.err


@pytest.mark.parametrize(
    ("argv", "settings", "code", "words"),
    [
        (("--browser", "--device"), {}, 1, "not allowed with"),
        (("x",), {}, 1, "unrecognized"),
        ((), {"ISSUER": None}, 11, "ISSUER is not set"),
        ((), {"ISSUER": "issuer"}, 11, "ISSUER must start with"),
        ((), {"ISSUER": "http://issuer.example"}, 4, "in clear"),
        (("--help",), {}, 0, ""),
    ],
)
def test_arguments_and_settings_are_checked_first(
    run: Run, argv: tuple[str, ...], settings: Any, code: int, words: str
) -> None:
    result = run("login", *argv, **settings)
    assert result.code == code
    assert words in result.err


def test_refused_login_does_not_repeat_its_code(run: Run, fake_server: Callable[[], Any]) -> None:
    issuer: FakeServer = fake_server()
    endpoints = {"token_endpoint": f"{issuer.url}/t", "device_authorization_endpoint": issuer.url}
    issuer.respond(200, {"issuer": issuer.url, **endpoints})
    code = {"device_code": "hidden/code", "user_code": "A", "verification_uri": issuer.url}
    issuer.respond(200, {**code, "interval": 0.01})
    issuer.respond(
        400, {"error": "x", "error_description": "hidden/code device_code=hidden%2Fcode"}
    )
    result = run("login", "--device", ISSUER=issuer.url)
    assert (result.code, "hidden" in result.err) == (6, False)
    assert "x: *** device_code=***" in result.err


def test_login_with_a_refresh_token_is_renewed_until_logout(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(AT_ISSUER, "SCOPE", "a offline_access")
    last = log_in(run).splitlines()[-1]
    assert "renewed until the issuer ends it" in last
    first = run("token", **NO_CREDENTIALS)
    second = run("token", "--renew", **NO_CREDENTIALS)
    assert subject_of(first) == subject_of(second) == "ada"
    assert first.out != second.out
    files = {path: path.read_text() for path in tokens_of(run)}
    assert run("logout", **NO_CREDENTIALS).code == 0
    assert tokens_of(run) == []
    for path, content in files.items():
        path.write_text(content)
        path.chmod(0o600)
    result = run("token", "--renew", **NO_CREDENTIALS)
    assert (result.code, result.out) == (6, "")
    assert "was ended by the issuer" in result.err


def tokens_of(run: Run) -> list[Path]:
    return list((run.directory / "state/encore/tokens").glob("login-*.json"))
