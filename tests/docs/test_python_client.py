"""docs/how-to/python-client.md: its examples are run against the service that it describes."""

import doctest
from pathlib import Path

import pytest

from tests.fixtures.pages import DOCS, code_blocks
from tests.fixtures.system import start_system

pytestmark = pytest.mark.processes

PAGE = DOCS / "how-to/python-client.md"


def test_examples_do_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = start_system(tmp_path, LOG_LEVEL="warning")
    monkeypatch.chdir(tmp_path)
    try:
        text = "".join(text for _, text in code_blocks(PAGE, "pycon"))
        text = text.replace("http://localhost:3001/oauth2/default", system.issuer)
        text = text.replace("http://localhost:3000", system.url)
        test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
        report: list[str] = []
        runner = doctest.DocTestRunner()
        runner.run(test, out=report.append, clear_globs=False)
        test.globs["client"].close()
        assert runner.failures == 0, "".join(report)
        assert runner.tries > 40
    finally:
        system.stop()
