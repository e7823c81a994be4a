"""Starting and ending: what is wrong is one line and a non-zero exit; Ctrl-C ends everything."""

import contextlib
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from dotenv import dotenv_values

from api.__main__ import main
from api.development import make_client
from api.settings import Settings, SettingsError
from tests.conftest import (
    OUTPUT,
    START_SECONDS,
    System,
    assert_problem,
    environment_of,
    free_port,
    launch,
    start_system,
)

REAL = "https://issuer.example/oauth2/default"
NOISE = re.compile("error|warning|traceback|exception|keys of", re.IGNORECASE)
DEV = ["dev"]
ALONE: list[str] = []


def run(directory: Path, arguments: list[str], **settings: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m api`` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "api", *arguments],
        cwd=directory,
        env=environment_of(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=START_SECONDS,
    )


def local(port: int) -> str:
    """Give the URL of a development issuer on this port."""
    return f"http://localhost:{port}/oauth2/default"


def ports() -> dict[str, str]:
    """Give settings of free ports for service and issuer."""
    return {"SERVER_PORT": str(free_port()), "ISSUER": local(free_port())}


def a_directory(path: Path) -> None:
    path.mkdir()


def words(path: Path) -> None:
    path.write_text("these are words and no database, however long they go on and on" * 100)


def another_table(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE parts (id INTEGER PRIMARY KEY)")


def another_revision(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        file.execute("INSERT INTO alembic_version VALUES ('feedc0ffee00')")
        file.commit()


NAMES = ("ISSUER", "DATABASE_URL", "SERVER_PORT", "SERVER_HOST", "SCOPE", "AUDIENCE", "LOG_LEVEL")

SETTINGS: dict[str, tuple[dict[str, str], str]] = {
    # Settings, and the one that the line names.
    "no ISSUER": ({}, "ISSUER"),
    "empty ISSUER": ({"ISSUER": ""}, "ISSUER"),
    "blank ISSUER": ({"ISSUER": "  "}, "ISSUER"),
    "http ISSUER": ({"ISSUER": "http://issuer.example/oauth2/default"}, "ISSUER"),
    "http ISSUER in the LAN": ({"ISSUER": "http://192.168.1.2/x"}, "ISSUER"),
    "http ISSUER like loopback": ({"ISSUER": "http://localhost.example/x"}, "ISSUER"),
    "http ISSUER with a user": ({"ISSUER": "http://localhost@issuer.example/"}, "ISSUER"),
    "ISSUER of another scheme": ({"ISSUER": "ftp://localhost/x"}, "ISSUER"),
    "ISSUER that is no URL": ({"ISSUER": "http://[::1"}, "ISSUER"),
    "unknown ENVIRONMENT": ({"ISSUER": REAL, "ENVIRONMENT": "staging"}, "ENVIRONMENT"),
    "unknown scheme": ({"ISSUER": REAL, "DATABASE_URL": "mysql://x/y"}, "DATABASE_URL"),
    "no scheme": ({"ISSUER": REAL, "DATABASE_URL": "dev.sqlite"}, "DATABASE_URL"),
    "database in memory": ({"ISSUER": REAL, "DATABASE_URL": "sqlite://"}, "DATABASE_URL"),
    "wrong port of a database": (
        {"ISSUER": REAL, "DATABASE_URL": "postgresql://u:secret@localhost:x/y"},
        "DATABASE_URL",
    ),
    "port out of range": ({"ISSUER": REAL, "SERVER_PORT": "65536"}, "SERVER_PORT"),
    "negative port": ({"ISSUER": REAL, "SERVER_PORT": "-1"}, "SERVER_PORT"),
    "no port": ({"ISSUER": REAL, "SERVER_PORT": ""}, "SERVER_PORT"),
    "no SCOPE": ({"ISSUER": REAL, "SCOPE": ""}, "SCOPE"),
    "no AUDIENCE": ({"ISSUER": REAL, "AUDIENCE": ""}, "AUDIENCE"),
    "unknown LOG_LEVEL": ({"ISSUER": REAL, "LOG_LEVEL": "loud"}, "LOG_LEVEL"),
    "BODY_LIMIT with a unit": ({"ISSUER": REAL, "BODY_LIMIT": "1MB"}, "BODY_LIMIT"),
}

DEVELOPMENT: dict[str, tuple[dict[str, str], str]] = {
    "blank ISSUER": ({"ISSUER": "  "}, "ISSUER"),
    "real ISSUER": ({"ISSUER": REAL}, "ISSUER"),
    "production": ({"ENVIRONMENT": "production"}, "ENVIRONMENT"),
    "port that is a word": ({"SERVER_PORT": "http"}, "SERVER_PORT"),
    "host that is none of ours": ({"SERVER_HOST": "192.0.2.1"}, "SERVER_HOST"),
    "host that is none at all": ({"SERVER_HOST": "no.such.host.invalid"}, "SERVER_HOST"),
}

DATABASES: dict[str, tuple[list[str], Callable[[Path], None], str]] = {
    # Arguments, what makes the file, what the line says.
    "directory, served": (ALONE, a_directory, "cannot be read"),
    "directory, migrated": (DEV, a_directory, "cannot be migrated"),
    "words, served": (ALONE, words, "cannot be read"),
    "words, migrated": (DEV, words, "cannot be migrated"),
    "missing": (ALONE, lambda _: None, ".venv/bin/alembic upgrade head"),
    "never migrated": (ALONE, another_table, ".venv/bin/alembic upgrade head"),
    "of another revision": (ALONE, another_revision, ".venv/bin/alembic upgrade head"),
    "of an unknown revision, migrated": (DEV, another_revision, "cannot be migrated"),
    "of another shape, migrated": (DEV, another_table, "lacks the columns"),
}


def assert_one_line(result: subprocess.CompletedProcess[str], setting: str) -> str:
    """Check that there is one line on stderr which names the setting; give it."""
    assert result.returncode == 1, result
    (line,) = result.stderr.splitlines()
    assert result.stdout == ""
    assert line.startswith("api: ")
    assert setting in line
    assert "secret" not in line
    return line


@pytest.mark.parametrize(("settings", "named"), SETTINGS.values(), ids=SETTINGS)
def test_a_wrong_setting_is_one_line_that_names_it(
    tmp_path: Path,
    settings: dict[str, str],
    named: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    status = main([])  # In this process: an interpreter for each row would take a minute.
    out, err = capsys.readouterr()
    assert_one_line(subprocess.CompletedProcess([], status, out, err), named)


@pytest.mark.parametrize("port", ["99999", "http"])
def test_an_issuer_with_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(SettingsError, match="ISSUER"):
        Settings.of({"ISSUER": f"http://localhost:{port}/oauth2/default"})


@pytest.mark.parametrize(("settings", "named"), DEVELOPMENT.values(), ids=DEVELOPMENT)
def test_what_is_wrong_for_development_is_one_line_that_names_it(
    tmp_path: Path, settings: dict[str, str], named: str
) -> None:
    assert_one_line(run(tmp_path, DEV, **{**ports(), **settings}), named)
    assert not (tmp_path / "dev.sqlite").exists()


@pytest.mark.parametrize(("arguments", "make", "said"), DATABASES.values(), ids=DATABASES)
def test_a_database_that_is_none_is_one_line(
    tmp_path: Path, arguments: list[str], make: Callable[[Path], None], said: str
) -> None:
    make(tmp_path / "dev.sqlite")
    settings = ports() if arguments == DEV else {**ports(), "ISSUER": REAL}
    line = assert_one_line(run(tmp_path, arguments, **settings), "DATABASE_URL")
    assert said in line


def test_a_database_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    url = f"postgresql://user:secret@localhost:{free_port()}/parts"
    for arguments, settings in ((ALONE, {**ports(), "ISSUER": REAL}), (DEV, ports())):
        result = run(tmp_path, arguments, **{**settings, "DATABASE_URL": url})
        assert_one_line(result, "DATABASE_URL")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_cannot_be_written_to_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    result = run(tmp_path, DEV, **ports())
    tmp_path.chmod(0o700)
    assert_one_line(result, ".env.local")


@pytest.mark.parametrize("which", ["service", "issuer"])
def test_a_taken_port_is_one_line(tmp_path: Path, which: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        if which == "service":
            settings = {**ports(), "SERVER_PORT": str(port)}
        else:
            settings = {**ports(), "ISSUER": local(port)}
        line = assert_one_line(run(tmp_path, DEV, **settings), str(port))
    assert "taken" in line


@pytest.mark.parametrize("arguments", [["serve"], ["dev", "now"], ["--port", "1"]])
def test_a_wrong_argument_shows_the_usage(tmp_path: Path, arguments: list[str]) -> None:
    result = run(tmp_path, arguments)
    assert (result.returncode, result.stderr) == (2, "usage: python -m api [dev]\n")


# Below: systems that do start.


@pytest.fixture
def own(tmp_path: Path) -> Iterator[System]:
    """A system of the test's own, over SQLite."""
    system = start_system(tmp_path)
    yield system
    system.stop()


def group_is_empty(group: int) -> bool:
    """Tell whether no process is left of a process group."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def assert_nothing_left(group: int) -> None:
    """Wait until no process of the group is left."""
    deadline = time.monotonic() + 5
    while not group_is_empty(group):
        assert time.monotonic() < deadline, "a child was left behind"
        time.sleep(0.01)


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_ctrl_c_ends_both_and_leaves_nothing(own: System, *, busy: bool) -> None:
    with socket.create_connection(("127.0.0.1", int(own.environment["SERVER_PORT"]))) as half:
        if busy:  # A connection that is kept, and a request whose body never ends.
            own.client.get("/parts")
            token = own.client.headers["Authorization"]
            half.sendall(f"POST /parts HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n".encode())
            half.sendall(b"Content-Length: 10\r\n\r\n{")
        os.killpg(own.process.pid, signal.SIGINT)
        # Requests under way have five seconds to end.
        assert own.process.wait(8 if busy else 3) == 0
    assert_nothing_left(own.process.pid)
    for url in (own.url, own.issuer):
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
    assert not NOISE.search(own.output())


def test_ctrl_c_while_it_starts_ends_both_without_noise(tmp_path: Path) -> None:
    environment = environment_of(**ports())
    for sign in (".env.local", "dev.sqlite"):  # Written early, and a little later.
        process = launch(tmp_path, environment)
        deadline = time.monotonic() + START_SECONDS
        while not (tmp_path / sign).exists():
            assert time.monotonic() < deadline
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(5) == 0
        assert_nothing_left(process.pid)
    assert not NOISE.search((tmp_path / OUTPUT).read_text())


def test_the_terminal_ends_both_too(own: System) -> None:
    os.kill(own.process.pid, signal.SIGTERM)
    assert own.process.wait(3) == 0
    assert_nothing_left(own.process.pid)


def test_children_end_with_a_parent_that_is_killed(own: System) -> None:
    own.process.kill()
    own.process.wait()
    assert_nothing_left(own.process.pid)


def test_the_first_run_says_what_to_type_and_keeps_its_secret(system: System) -> None:
    output, end, _ = system.output().partition("Ctrl-C ends both.")  # Tests of others follow.
    assert end
    for text in (f"{system.url}/docs", system.issuer, f"-m client {system.url}/parts"):
        assert text in output
    secret = dotenv_values(system.directory / ".env.local")["CLIENT_SECRET"]
    assert secret
    assert secret not in output
    assert not NOISE.search(output)


def test_the_secret_is_the_owners_alone_and_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / ".env.local"
    path.write_text("LOG_LEVEL=warning\n")
    path.chmod(0o644)
    texts = []
    for _ in range(2):
        make_client()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        texts.append(path.read_text())
    assert texts[0] == texts[1]
    assert texts[0].startswith("LOG_LEVEL=warning\n")
    assert set(dotenv_values(path)) == {"LOG_LEVEL", "CLIENT_ID", "CLIENT_SECRET"}


def test_a_secret_of_ones_own_is_taken_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLIENT_ID", "mine")
    monkeypatch.setenv("CLIENT_SECRET", "own")
    make_client()
    assert not (tmp_path / ".env.local").exists()


@pytest.mark.parametrize("text", ["LOG_LEVEL=warning", "CLIENT_ID=half\n", "CLIENT_SECRET=\n"])
def test_a_file_that_holds_half_a_client_gets_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / ".env.local"
    path.write_text(text)
    make_client()
    known = dotenv_values(path)
    assert known["CLIENT_ID"] == "development-client"
    assert known["CLIENT_SECRET"]
    assert known.get("LOG_LEVEL", "warning") == "warning"


def test_alone_it_answers_503_until_the_issuer_comes(tmp_path: Path) -> None:
    issuer = local(free_port())
    first = start_system(tmp_path, ISSUER=issuer)  # Makes secret and database.
    token = first.token()
    first.stop()
    environment = environment_of(**{**ports(), "ISSUER": issuer, "LOG_LEVEL": "error"})
    url = f"http://localhost:{environment['SERVER_PORT']}"
    with subprocess.Popen(
        [sys.executable, "-m", "api"], cwd=tmp_path, env=environment, start_new_session=True
    ) as alone:
        try:
            await_status(f"{url}/readyz", 200)
            response = httpx.get(f"{url}/parts", headers={"Authorization": f"Bearer {token}"})
            assert_problem(response, 503, "service-unavailable")
            assert int(response.headers["retry-after"]) > 0
            second = start_system(tmp_path, ISSUER=issuer)
            await_status(f"{url}/parts", 200, dict(second.client.headers))
            second.stop()
        finally:
            alone.terminate()
        assert alone.wait(3) == 0


def await_status(url: str, status: int, headers: dict[str, str] | None = None) -> None:
    """Ask until this is the answer."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, headers=headers).status_code == status:
                return
        assert time.monotonic() < deadline
        time.sleep(0.05)


ORDER = ("environment", ".env.local", ".env", "default")


@pytest.mark.parametrize("winner", ORDER)
def test_a_setting_is_taken_from_the_environment_then_env_local_then_env(
    tmp_path: Path, winner: str
) -> None:
    places = ORDER[ORDER.index(winner) : -1]
    for name in (".env", ".env.local"):
        if name in places:
            (tmp_path / name).write_text(f"AUDIENCE={name}\nISSUER={REAL}\n")
    environ = {"ISSUER": REAL, **({"AUDIENCE": winner} if winner == "environment" else {})}
    settings = Settings.load(tmp_path, environ)
    assert settings.audience == ("api://default" if winner == "default" else winner)


@pytest.mark.parametrize("name", [".env", ".env.local"])
def test_a_settings_file_that_cannot_be_read_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"SCOPE=\xff\xfe\n")
    assert_one_line(run(tmp_path, ALONE, ISSUER=REAL), name)


def test_a_value_is_taken_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / ".env.local").write_text("AUDIENCE='a$HOME ${HOME} #b'\n")
    assert Settings.load(tmp_path, {"ISSUER": REAL}).audience == "a$HOME ${HOME} #b"
