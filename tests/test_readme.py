"""The README's transcript, executed: each command of its console blocks, and what it prints."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import ROOT, System, start_system

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
API, ISSUER = "http://localhost:3000", "http://localhost:3001"
PYTHON = ".venv/bin/python"
STATUS = re.compile(r"[45]\d\d [A-Z]")
"""How a refusal begins, which the client prints on stderr."""

DATES = ("createdAt", "updatedAt")
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass(frozen=True)
class Step:
    """A command of the transcript, and what stands below it."""

    command: str
    expected: str


def transcript() -> list[Step]:
    """Read the steps of all console blocks, in their order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    steps = []
    for block in BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, expected = _split(part)
            steps.append(Step(command, expected))
    return steps


def _split(part: str) -> tuple[str, str]:
    """Part a command, which may go on over several lines, from what it prints."""
    lines = part.splitlines()
    for end in range(1, len(lines) + 1):
        command = "\n".join(lines[:end])
        try:
            shlex.split(command)
        except ValueError:  # A quotation that goes on.
            continue
        if not command.endswith("\\"):
            return command, "\n".join(lines[end:])
    raise AssertionError(f"no end of the command {part!r}")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system as after a clone: with the committed settings, and no part yet."""
    directory = tmp_path_factory.mktemp("readme")
    shutil.copy(ROOT / ".env", directory)
    system = start_system(directory, LOG_LEVEL="warning")
    yield system
    system.stop()


def run(step: Step, system: System) -> subprocess.CompletedProcess[str]:
    """Run a command of the README as a shell does, against the test's own ports."""
    command = step.command.replace(PYTHON, shlex.quote(sys.executable))
    command = command.replace(API, system.url).replace(ISSUER, system.issuer.split("/oauth2")[0])
    return subprocess.run(
        command,
        shell=True,
        cwd=system.directory,
        env={
            **os.environ,
            **system.environment,
            "IMPORT_URL": f"{system.url}/timesheets/upload",  # By default on port 3000.
        },
        capture_output=True,
        text=True,
        check=False,
    )


def value_of(text: str) -> Any:
    """Read JSON, or give the text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def agree(expected: Any, printed: Any, *, exactly: bool) -> bool:
    """Compare, but for moments; ``exactly`` asks for all members, and for their order."""
    match expected, printed:
        case dict(), dict():
            names = list(printed) if exactly else [name for name in printed if name in expected]
            if (exactly and names != list(expected)) or set(names) != set(expected):
                return False
            return all(
                DATE.fullmatch(str(printed[name])) is not None
                if name in DATES
                else agree(value, printed[name], exactly=exactly)
                for name, value in expected.items()
            )
        case list(), list():
            return len(expected) == len(printed) and all(
                agree(one, other, exactly=exactly)
                for one, other in zip(expected, printed, strict=True)
            )
        case _:
            return bool(expected == printed)


def test_every_command_of_the_readme_prints_what_stands_below_it(fresh: System) -> None:
    steps = transcript()
    for step in steps:
        result = run(step, fresh)
        if STATUS.match(step.expected):
            assert result.returncode != 0, (step, result)
            assert result.stderr.splitlines()[0] == step.expected.strip(), (step, result)
            continue
        curl = step.command.startswith("curl")
        assert result.returncode == 0, (step, result)
        expected, printed = value_of(step.expected), value_of(result.stdout)
        assert agree(expected, printed, exactly=not curl), (step, result.stdout)
        if not curl and not isinstance(printed, str):
            assert result.stdout == json.dumps(printed, indent=2, ensure_ascii=False) + "\n"
        assert result.stderr == "" or curl, (step, result)


def test_the_readme_shows_all_actions_the_seeds_refusals_and_the_upload() -> None:
    text = "\n".join(step.command + step.expected for step in transcript())
    for shown in (
        "Created timesheet 1 for employee 007",
        "403 Forbidden",
        "-m client import timesheets",
        "/parts[]",
        " post '{",
        " put '{",
        " delete{}",
        "You must send an Authorization header",
        "Expected a Bearer token",
        "Jwt cannot be parsed",
    ):
        assert shown in text, shown


def test_the_commands_that_make_run_prints_are_the_readmes(fresh: System) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    printed = [line.strip() for line in fresh.output().splitlines() if " -m client " in line]
    assert len(printed) == 3
    for line in printed:
        _, _, arguments = line.partition(" -m client ")
        assert f"-m client {arguments.replace(fresh.url, API)}" in readme, line


def test_links_lead_to_files_that_are_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert (ROOT / target).exists(), target
