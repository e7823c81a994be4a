"""Completion: the scripts are valid, and bash, zsh and fish complete what this version has."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from client.commands import COMMANDS
from client.completion.scripts import SCRIPTS
from client.completion.words import FILE_OPTIONS, VALUE_OPTIONS, find_words
from client.requesting.option_parser import build_parser

pytestmark = pytest.mark.processes

COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_encore_client
printf '%s\\n' "${COMPREPLY[@]}"
"""


def shell(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"needs {name}")
    return path


@pytest.fixture
def scripts(run: Any, tmp_path: Path) -> Path:
    """A folder with the scripts, and two files to complete."""
    for name in SCRIPTS:
        (tmp_path / f"script.{name}").write_text(run("completion", name).out)
    (tmp_path / "rows.csv").touch()
    (tmp_path / "rows.ndjson").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["imp"], ["import"]),
        (["./imp"], [""]),
        (["--json"], ["--json-errors"]),
        (["parts", "p"], ["post", "put", "patch"]),
        (["parts", "post", "--out"], ["--output"]),
        (["parts", "--output", "rows."], ["rows.csv", "rows.ndjson"]),
        (["parts", "post", "@rows.c"], ["@rows.csv"]),
        (["parts", "post", "@", "rows.c"], ["rows.csv"]),
        (["parts", "--header", "x"], [""]),
        (["import", "--list"], ["--list-mappings"]),
        (["completion", "f"], ["fish"]),
    ],
)
def test_bash_completes(scripts: Path, words: list[str], expected: list[str]) -> None:
    line = ["python", "-m", "client", *words]
    command = [shell("bash"), "--norc", "-c", COMPLETE, "bash", "script.bash", *line]
    ended = subprocess.run(command, cwd=scripts, capture_output=True, text=True, check=True)
    assert sorted(ended.stdout.splitlines()) == sorted(expected)


def test_bash_leaves_other_calls_of_python_alone(scripts: Path) -> None:
    command = [shell("bash"), "--norc", "-c", COMPLETE, "bash", "script.bash", "python", "-m", "c"]
    ended = subprocess.run(command, cwd=scripts, capture_output=True, text=True, check=True)
    assert ended.stdout == "\n"


@pytest.mark.parametrize(("line", "expected"), [("imp", "import"), ("a post @rows.c", "@rows.csv")])
def test_fish_completes(scripts: Path, line: str, expected: str) -> None:
    script = f"source script.fish; complete -C 'python -m client {line}'"
    command = [shell("fish"), "--no-config", "-c", script]
    ended = subprocess.run(command, cwd=scripts, capture_output=True, text=True, check=True)
    assert [word.split("\t")[0] for word in ended.stdout.splitlines()] == [expected]


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_is_valid_for_its_shell(scripts: Path, name: str) -> None:
    command = [shell(name), "-n", f"script.{name}"]
    ended = subprocess.run(command, cwd=scripts, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_words_are_those_of_this_version() -> None:
    words = find_words()
    assert set(words.commands) == set(COMMANDS)
    assert "--dry-run" in words.options["import"]
    with_values = [a.option_strings for a in build_parser()._actions if a.nargs is None]
    assert {*FILE_OPTIONS, *VALUE_OPTIONS} == {name for names in with_values for name in names}


def test_unknown_shell_prints_usage(run: Any) -> None:
    for argv in (["completion"], ["completion", "tcsh"]):
        result = run(*argv)
        assert (result.code, result.out) == (1, "")
        assert "bash|zsh|fish" in result.err
