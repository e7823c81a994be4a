"""Encore's responses differ from finale-rest's only as docs/how-to/finale.md says.

Both servers hold the same rows and receive the same requests, Encore once strict and once with
``compatible="finale"``. ``make compare`` prints the differences.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.case import Case
from tests.conformance.cases import CASES
from tests.conformance.comparison import find_differences, show_responses
from tests.conformance.conftest import DIFFERENCE, RESPONSES
from tests.conformance.difference import Difference, Mode
from tests.conformance.expected import DIFFERENCES, expected_differences
from tests.conformance.servers import ROOT, Servers

RecordProperty = Callable[[str, Any], None]

DOCUMENT = ROOT / "docs" / "how-to" / "finale.md"
EXPECTED = {mode: expected_differences(mode) for mode in Mode}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("mode", Mode)
def test_response_differs_only_as_expected(
    servers: Servers, case: Case, mode: Mode, record_property: RecordProperty
) -> None:
    """A difference that is not listed fails, and so does a listed one that is gone."""
    theirs = servers.ask_finale(case)
    ours = servers.encore[mode].run_case(case)
    found = find_differences(case, theirs, ours)
    name, expected = EXPECTED[mode].get(case.name, ("", ()))
    record_property(DIFFERENCE, f"{', '.join(found):<40} {name}" if found else "")
    record_property(RESPONSES, show_responses(case, theirs, ours))
    assert found == expected, show_responses(case, theirs, ours)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.name)
def test_difference_is_documented(difference: Difference) -> None:
    """Every difference is named in the page for Finale's users."""
    assert f"`{difference.name}`" in DOCUMENT.read_text()


@pytest.mark.parametrize("mode", Mode)
def test_difference_names_existing_cases_once(mode: Mode) -> None:
    """A misspelt case name, or one listed by two differences, would hide a difference."""
    listed = Counter(name for difference in DIFFERENCES for name in difference.cases(mode))
    assert set(listed) <= {case.name for case in CASES}
    assert max(listed.values()) == 1


def test_case_names_are_unique() -> None:
    """Expected differences refer to cases by name."""
    assert len({case.name for case in CASES}) == len(CASES)
