"""docs/explanation/reliability.md names tests that are there, and all files of faults."""

import re

from tests.fixtures.system import ROOT

PAGE = (ROOT / "docs/explanation/reliability.md").read_text()
NAMED = set(re.findall(r"`((?:tests/\w+/)?test_\w+)`", PAGE))


def test_every_test_that_the_page_names_is_there() -> None:
    for name in NAMED:
        path = name if "/" in name else f"tests/faults/{name}"
        assert (ROOT / f"{path}.py").is_file(), name


def test_every_file_of_faults_is_named() -> None:
    files = {path.stem for path in (ROOT / "tests/faults").glob("test_*.py")}
    assert files - NAMED - {"test_soak"} == set()
