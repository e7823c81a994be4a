"""docs/import.md does what it says: its program runs, its mapping loads, its commands are ones."""

import re
import shlex
from pathlib import Path

import pytest

from client.importing import load_mapping
from client.importing.arguments import make_parser
from client.importing.mapping import FieldMapping
from client.importing.settings import IMPORT_NAMES
from client.status import ExitCode
from tests.conftest import ROOT
from tests.importing.conftest import UploadApi

PAGE = (ROOT / "docs" / "import.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"python -m client import (.+?)(?:\n|$)")


def blocks(language: str) -> list[str]:
    """Give the page's code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_program_of_the_page_runs(
    environment: dict[str, str],
    api: UploadApi,
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
    exec(compile(program, "docs/import.md", "exec"), {})
    assert capsys.readouterr().out == "1 created, 1 rejected\n"
    assert list(api.entries) == [("tempus", "E1")]


def test_the_mapping_of_the_page_says_all_that_a_mapping_can(tmp_path: Path) -> None:
    (mapping,) = blocks("toml")
    (tmp_path / "m.toml").write_text(mapping)
    loaded = load_mapping(tmp_path / "m.toml")
    for name, default in vars(FieldMapping()).items():
        assert getattr(loaded, name) != default, name


def test_the_commands_of_the_page_are_understood_and_every_option_is_told_of() -> None:
    parser = make_parser()
    commands = COMMAND.findall(PAGE)
    assert len(commands) == 3
    for command in commands:
        assert parser.parse_intermixed_args(shlex.split(command)).what == "timesheets"
    for option in parser.format_usage().split("["):
        if option.startswith("--"):
            assert re.split(r"[ \]]", option)[0] in PAGE


def test_the_exit_codes_of_the_page_are_those_of_the_job() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    assert told == set(ExitCode) - {ExitCode.PIPE_CLOSED}


def test_every_setting_of_the_job_is_told_of() -> None:
    for name in IMPORT_NAMES:
        assert name in PAGE
