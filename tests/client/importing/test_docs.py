"""docs/how-to/import.md is correct: its program runs, its mapping loads, its commands parse."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from client.exit_codes import ExitCode
from client.importing import load_mapping
from client.importing.arguments import build_parser
from client.importing.settings import IMPORT_NAMES
from tests.client.importing.conftest import FakeUploadApi
from tests.fixtures.system import ROOT

PAGE = (ROOT / "docs" / "how-to" / "import.md").read_text(encoding="utf-8")
SOURCES = (ROOT / "docs" / "reference" / "import-sources.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"python -m client import (.+?)(?:\n|$)")


OTHERS = {ExitCode.PIPE_CLOSED, ExitCode.DIFFERENT}
"""Exit codes that are not those of imports."""


def blocks(language: str, page: str = PAGE) -> list[str]:
    """Return a page's code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_documented_program_runs(
    environment: dict[str, str],
    api: FakeUploadApi,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "export.csv").write_text(
        "Entry ID,Employee No,Day,Project,Hours\nE1,007,2017-05-10,StoreZero,5\nE2,007,x,a,5\n"
    )
    (program,) = blocks("python")
    exec(compile(program, "docs/how-to/import.md", "exec"), {})
    assert capsys.readouterr().out == "1 created, 1 rejected\n"
    assert list(api.entries) == [("tempus", "E1")]


def test_documented_mappings_load(tmp_path: Path) -> None:
    for mapping in [*blocks("toml"), *blocks("toml", SOURCES)]:
        (tmp_path / "m.toml").write_text(mapping)
        load_mapping(tmp_path / "m.toml")


def test_documented_commands_parse_and_every_option_is_documented() -> None:
    parser = build_parser()
    commands = COMMAND.findall(PAGE)
    assert len(commands) >= 4
    for command in commands:
        assert parser.parse_intermixed_args(shlex.split(command)).resource in {
            "timesheets",
            "parts",
        }
    for option in parser.format_usage().split("["):
        if option.startswith("--"):
            assert re.split(r"[ \]]", option)[0] in PAGE


def test_documented_exit_codes_are_complete() -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    assert documented == set(ExitCode) - OTHERS


@pytest.mark.processes
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
def test_documented_systemd_units_are_valid(tmp_path: Path) -> None:
    service, timer = blocks("ini")
    (tmp_path / "encore-import.timer").write_text(timer)
    path = tmp_path / "encore-import.service"
    path.write_text(service.replace("/srv/encore/.venv/bin/python", sys.executable))
    verified = subprocess.run(
        ["systemd-analyze", "verify", path, tmp_path / "encore-import.timer"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def test_documented_systemd_unit_restarts_only_where_a_retry_can_help() -> None:
    service, _ = blocks("ini")
    settings = dict(re.findall(r"^(\w+)=(.*)$", service, re.MULTILINE))
    ended = {int(code) for code in settings["SuccessExitStatus"].split()} | {0}
    prevented = {int(code) for code in settings["RestartPreventExitStatus"].split()}
    retried = {
        ExitCode.NETWORK,
        ExitCode.API_SERVER_ERROR,
        ExitCode.UNEXPECTED_RESPONSE,
        ExitCode.OUTPUT,
        ExitCode.SOURCE,
        ExitCode.LOCKED,
        ExitCode.INTERRUPTED,
    }
    assert ended == {ExitCode.OK, ExitCode.REJECTED}
    assert ended | prevented | retried == set(ExitCode) - OTHERS
    assert not retried & (ended | prevented)


def test_every_setting_is_documented() -> None:
    for name in IMPORT_NAMES:
        assert name in PAGE
