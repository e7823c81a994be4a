"""The OpenAPI contract of timesheets.

JSON Schema cannot express all of their rules (sums of hours, the weeks of a year, the status of an
entry), so schemathesis does not know which requests are valid.
"""

from pathlib import Path

from tests.fixtures.contract import assert_contract
from tests.fixtures.system import System
from tests.timesheets.operations import SCOPES

# Without coverage: the lists share their 200 parameters with parts, which covers them.
PHASES = "examples,fuzzing,stateful"


def test_timesheets_pass_schemathesis(system: System, tmp_path: Path) -> None:
    # Without locks: a random one would lock the entries that the other operations need. Without
    # uploads, which report invalid rows with the status 200; parts' is checked.
    paths = "^(/timesheets(?!/locks|/upload)|/approvals)"
    options = ("--exclude-checks=positive_data_acceptance",)
    assert_contract(system, tmp_path, paths, " ".join(SCOPES), PHASES, options)
