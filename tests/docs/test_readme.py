"""The README: its transcript is executed, its picture is the documentation's, and it is short."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.console import API, run_step, transcript
from tests.fixtures.pages import DOCS, code_blocks
from tests.fixtures.system import ROOT, System, start_system

pytestmark = pytest.mark.processes

README = ROOT / "README.md"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system as after a clone: with the committed settings and an empty database."""
    directory = tmp_path_factory.mktemp("readme")
    shutil.copy(ROOT / ".env", directory)
    system = start_system(directory, LOG_LEVEL="warning")
    yield system
    system.stop()


def test_every_command_prints_what_the_readme_shows(fresh: System) -> None:
    for step in transcript(README):
        run_step(step, fresh)


def test_commands_that_make_run_prints_are_the_readmes(fresh: System) -> None:
    readme = README.read_text(encoding="utf-8")
    printed = [line.strip() for line in fresh.output().splitlines() if " -m client " in line]
    assert len(printed) == 3
    for line in printed:
        _, _, arguments = line.partition(" -m client ")
        assert f"-m client {arguments.replace(fresh.url, API)}" in readme, line


def test_service_of_the_readme_has_a_resource(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (models, *_), (example, *_) = (
        [text for _, text in code_blocks(page, "python")] for page in (DOCS / "tutorial.md", README)
    )
    (tmp_path / "models.py").write_text(models, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("ISSUER", "https://issuer.example/")
    names: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), names)
    monkeypatch.delitem(sys.modules, "models")
    assert [resource.name for resource in names["service"].resources()] == ["Supplier"]


def test_picture_is_that_of_the_documentation() -> None:
    assert list(code_blocks(README, "text")) == list(code_blocks(DOCS / "README.md", "text"))


def test_readme_has_fewer_than_120_lines() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) < 120
