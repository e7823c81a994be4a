"""docs/reference/commands.md lists every make target, option and exit code."""

import re
from typing import Final

from api.__main__ import USAGE
from client.commands import COMMANDS
from client.exit_codes import ExitCode
from client.exporting.arguments import build_parser as export_parser
from client.requesting.option_parser import build_parser
from encore.cli import USAGE as LIBRARY_USAGE
from tests.fixtures.pages import DOCS, ROOT

PAGE: Final = (DOCS / "reference/commands.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    """Return the text below a heading."""
    _, _, rest = PAGE.partition(f"\n## {heading}\n")
    return rest.partition("\n## ")[0]


def exit_codes(heading: str) -> set[int]:
    """Return the exit codes of a section's table."""
    return {int(code) for code in re.findall(r"^\| (\d+) \|", section(heading), re.MULTILINE)}


def test_make_targets_are_those_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))
    assert set(re.findall(r"^\| `make ([a-z-]+)", section("make"), re.MULTILINE)) == targets


def test_commands_of_the_service_are_those_of_its_usage() -> None:
    listed = set(re.findall(r"^\| `python -m api ?(\w*)", section("python -m api"), re.MULTILINE))
    assert listed - {""} == set(re.findall(r"\b[a-z]{3,}\b", USAGE.partition("[")[2].split("]")[0]))


def test_commands_of_the_library_are_those_of_its_usage() -> None:
    heading = section("python -m encore")
    rows = re.findall(r"^\| `python -m encore (.*?) app:service", heading, re.MULTILINE)
    assert set(rows) == set(
        re.findall(r"^  ([a-z ]+?) \[?app:service", LIBRARY_USAGE, re.MULTILINE)
    )


def test_options_of_the_client_are_those_of_its_parser() -> None:
    options = {name for action in build_parser()._actions for name in action.option_strings}
    rows = re.findall(r"^\| (`-.*?) \|", section("python -m client"), re.MULTILINE)
    assert set(re.findall(r"(?<!\w)--?[a-z-]+|-H", " ".join(rows))) == options


def test_options_of_export_are_those_of_its_parser() -> None:
    options = {name for action in export_parser()._actions for name in action.option_strings}
    rows = re.findall(r"^\| (`-.*?) \|", section("python -m client export"), re.MULTILINE)
    found = set(re.findall(r"(?<!\w)--?[a-z-]+", " ".join(rows)))
    assert found == options - {"-h", "--help"}


def test_commands_of_the_client_are_those_of_its_table() -> None:
    listed = re.findall(
        r"^\| `python -m client ([a-z]+)", section("python -m client"), re.MULTILINE
    )
    assert set(listed) == set(COMMANDS)


def test_exit_codes_of_the_client_are_those_of_its_code() -> None:
    assert exit_codes("python -m client") == set(ExitCode)
