"""Console blocks of the documentation are executed against the system that ``make run`` starts."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.fixtures.console import run_step, transcript
from tests.fixtures.pages import DOCS, pages
from tests.fixtures.system import ROOT, System, start_system

pytestmark = pytest.mark.processes

PAGES: Final = [page for page in pages() if transcript(page) and page != DOCS / "tutorial.md"]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[System]:
    """A system as after a clone: with the committed settings and an empty database."""
    shutil.copy(ROOT / ".env", tmp_path)
    system = start_system(tmp_path, LOG_LEVEL="warning")
    yield system
    system.stop()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_prints_what_the_page_shows(page: Path, fresh: System) -> None:
    for step in transcript(page):
        run_step(step, fresh)


def test_client_page_shows_every_action_refusal_and_the_upload() -> None:
    steps = transcript(DOCS / "how-to/client.md")
    text = "\n".join(step.command + step.expected for step in steps)
    for shown in (
        "Created timesheet 1 for employee 007",
        "403 Forbidden",
        "-m client import timesheets",
        "/parts[]",
        " post '{",
        " put '{",
        "/parts/1 delete{",
        "You must send an Authorization header",
        "Expected a Bearer token",
        "Jwt cannot be parsed",
    ):
        assert shown in text, shown
