"""The contract of the timesheets.

JSON Schema does not know all of their rules (what hours add up to, which weeks a year has, what was
approved before), so schemathesis cannot tell which requests are valid.
"""

from pathlib import Path

from tests.fixtures.contract import assert_contract
from tests.fixtures.system import System
from tests.timesheets.operations import SCOPES

# The lists have the engine's parameters, two hundred each: the parts' are covered instead.
PHASES = "examples,fuzzing,stateful"


def test_schemathesis_finds_nothing_in_timesheets(system: System, tmp_path: Path) -> None:
    paths = "^(/timesheets|/approvals)"
    options = ("--exclude-checks=positive_data_acceptance",)
    assert_contract(system, tmp_path, paths, " ".join(SCOPES), PHASES, options)
