"""Startup errors: one line that names the cause, and a non-zero exit status."""

import contextlib
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from api.__main__ import main
from encore.settings import Settings, SettingsError
from tests.fixtures.system import START_SECONDS, environment_of, local, ports
from tests.fixtures.workers import free_port

pytestmark = pytest.mark.usefixtures("restored_logs")

ISSUER = "https://issuer.example/oauth2/default"
DEV = ["dev"]
SERVE: list[str] = []


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


def create_directory(path: Path) -> None:
    path.mkdir()


def write_words(path: Path) -> None:
    path.write_text("these are words and no database, however long they go on and on" * 100)


def create_other_table(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE parts (id INTEGER PRIMARY KEY)")


def set_unknown_revision(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        file.execute("INSERT INTO alembic_version VALUES ('feedc0ffee00')")
        file.commit()


NAMES = ("ISSUER", "DATABASE_URL", "SERVER_PORT", "SERVER_HOST", "SCOPE", "AUDIENCE", "LOG_LEVEL")

SETTINGS: dict[str, tuple[dict[str, str], str]] = {
    # Settings, and the one that the message names.
    "no ISSUER": ({}, "ISSUER"),
    "empty ISSUER": ({"ISSUER": ""}, "ISSUER"),
    "blank ISSUER": ({"ISSUER": "  "}, "ISSUER"),
    "http ISSUER": ({"ISSUER": "http://issuer.example/oauth2/default"}, "ISSUER"),
    "http ISSUER in the LAN": ({"ISSUER": "http://192.168.1.2/x"}, "ISSUER"),
    "http ISSUER like loopback": ({"ISSUER": "http://localhost.example/x"}, "ISSUER"),
    "http ISSUER with a user": ({"ISSUER": "http://localhost@issuer.example/"}, "ISSUER"),
    "ISSUER of another scheme": ({"ISSUER": "ftp://localhost/x"}, "ISSUER"),
    "ISSUER that is no URL": ({"ISSUER": "http://[::1"}, "ISSUER"),
    "unknown ENVIRONMENT": ({"ISSUER": ISSUER, "ENVIRONMENT": "staging"}, "ENVIRONMENT"),
    "unknown scheme": ({"ISSUER": ISSUER, "DATABASE_URL": "mysql://x/y"}, "DATABASE_URL"),
    "no scheme": ({"ISSUER": ISSUER, "DATABASE_URL": "dev.sqlite"}, "DATABASE_URL"),
    "database in memory": ({"ISSUER": ISSUER, "DATABASE_URL": "sqlite://"}, "DATABASE_URL"),
    "wrong port of a database": (
        {"ISSUER": ISSUER, "DATABASE_URL": "postgresql://u:secret@localhost:x/y"},
        "DATABASE_URL",
    ),
    "port out of range": ({"ISSUER": ISSUER, "SERVER_PORT": "65536"}, "SERVER_PORT"),
    "negative port": ({"ISSUER": ISSUER, "SERVER_PORT": "-1"}, "SERVER_PORT"),
    "no port": ({"ISSUER": ISSUER, "SERVER_PORT": ""}, "SERVER_PORT"),
    "no SCOPE": ({"ISSUER": ISSUER, "SCOPE": ""}, "SCOPE"),
    "no AUDIENCE": ({"ISSUER": ISSUER, "AUDIENCE": ""}, "AUDIENCE"),
    "unknown LOG_LEVEL": ({"ISSUER": ISSUER, "LOG_LEVEL": "loud"}, "LOG_LEVEL"),
    "BODY_LIMIT with a unit": ({"ISSUER": ISSUER, "BODY_LIMIT": "1MB"}, "BODY_LIMIT"),
}

DEVELOPMENT: dict[str, tuple[dict[str, str], str]] = {
    "blank ISSUER": ({"ISSUER": "  "}, "ISSUER"),
    "real ISSUER": ({"ISSUER": ISSUER}, "ISSUER"),
    "production": ({"ENVIRONMENT": "production"}, "ENVIRONMENT"),
    "port that is a word": ({"SERVER_PORT": "http"}, "SERVER_PORT"),
    "host that is none of ours": ({"SERVER_HOST": "192.0.2.1"}, "SERVER_HOST"),
    "host that is none at all": ({"SERVER_HOST": "no.such.host.invalid"}, "SERVER_HOST"),
}

DATABASES: dict[str, tuple[list[str], Callable[[Path], None], str]] = {
    # Arguments, the function that creates the file, the message.
    "directory, served": (SERVE, create_directory, "it is a folder; name a file"),
    "directory, migrated": (DEV, create_directory, "it is a folder; name a file"),
    "words, served": (SERVE, write_words, "cannot be read"),
    "words, migrated": (DEV, write_words, "cannot be migrated"),
    "missing": (SERVE, lambda _: None, ".venv/bin/alembic upgrade head"),
    "never migrated": (SERVE, create_other_table, ".venv/bin/alembic upgrade head"),
    "of another revision": (SERVE, set_unknown_revision, "a newer version migrated it"),
    "of an unknown revision, migrated": (DEV, set_unknown_revision, "cannot be migrated"),
    "of another shape, migrated": (DEV, create_other_table, "lacks the columns"),
}


def assert_one_line(result: subprocess.CompletedProcess[str], setting: str) -> str:
    """Check that stderr is one line that names the setting; return the line."""
    assert result.returncode == 1, result
    (line,) = result.stderr.splitlines()
    assert result.stdout == ""
    assert line.startswith("api: ")
    assert setting in line
    assert "secret" not in line
    return line


@pytest.mark.parametrize(("settings", "setting_name"), SETTINGS.values(), ids=SETTINGS)
def test_invalid_setting_is_one_line_that_names_it(
    tmp_path: Path,
    settings: dict[str, str],
    setting_name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    status = main([])  # In this process: an interpreter for each row would take a minute.
    stdout, stderr = capsys.readouterr()
    assert_one_line(subprocess.CompletedProcess([], status, stdout, stderr), setting_name)


@pytest.mark.parametrize("port", ["99999", "http"])
def test_issuer_with_an_invalid_port_is_rejected(port: str) -> None:
    with pytest.raises(SettingsError, match="ISSUER"):
        Settings.parse({"ISSUER": f"http://localhost:{port}/oauth2/default"})


@pytest.mark.processes
@pytest.mark.parametrize(("settings", "setting_name"), DEVELOPMENT.values(), ids=DEVELOPMENT)
def test_invalid_setting_of_dev_is_one_line_that_names_it(
    tmp_path: Path, settings: dict[str, str], setting_name: str
) -> None:
    assert_one_line(run(tmp_path, DEV, **{**ports(), **settings}), setting_name)
    assert not (tmp_path / "dev.sqlite").exists()


@pytest.mark.processes
@pytest.mark.parametrize(("arguments", "make", "expected"), DATABASES.values(), ids=DATABASES)
def test_unusable_database_is_one_line(
    tmp_path: Path, arguments: list[str], make: Callable[[Path], None], expected: str
) -> None:
    make(tmp_path / "dev.sqlite")
    settings = ports() if arguments == DEV else {**ports(), "ISSUER": ISSUER}
    line = assert_one_line(run(tmp_path, arguments, **settings), "DATABASE_URL")
    assert expected in line


@pytest.mark.processes
def test_unreachable_database_server_is_one_line(tmp_path: Path) -> None:
    url = f"postgresql://user:secret@localhost:{free_port()}/parts"
    for arguments, settings in ((SERVE, {**ports(), "ISSUER": ISSUER}), (DEV, ports())):
        settings |= {"DATABASE_URL": url, "DATABASE_WAIT_SECONDS": "0"}
        assert_one_line(run(tmp_path, arguments, **settings), "DATABASE_URL")


@pytest.mark.processes
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_directory_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    result = run(tmp_path, DEV, **ports())
    tmp_path.chmod(0o700)
    assert_one_line(result, ".env.local")


@pytest.mark.processes
@pytest.mark.parametrize("taken_by", ["service", "issuer"])
def test_port_in_use_is_one_line(tmp_path: Path, taken_by: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if taken_by == "service":
            settings = {**ports(), "SERVER_PORT": str(port)}
        else:
            settings = {**ports(), "ISSUER": local(port)}
        line = assert_one_line(run(tmp_path, DEV, **settings), str(port))
    assert "taken" in line


@pytest.mark.processes
@pytest.mark.parametrize("arguments", [["serve"], ["dev", "now"], ["--port", "1"]])
def test_invalid_argument_prints_the_usage(tmp_path: Path, arguments: list[str]) -> None:
    result = run(tmp_path, arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("usage: python -m api [dev")


@pytest.mark.processes
@pytest.mark.parametrize("name", [".env", ".env.local"])
def test_unreadable_settings_file_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"SCOPE=\xff\xfe\n")
    assert_one_line(run(tmp_path, SERVE, ISSUER=ISSUER), name)
