"""The OpenAPI contract of parts."""

from pathlib import Path

import httpx

from tests.fixtures.contract import ALL_PHASES, assert_contract
from tests.fixtures.system import API_SCOPE, System


def test_parts_pass_schemathesis(system: System, parts: httpx.Client, tmp_path: Path) -> None:
    assert parts.get("/parts").json() == []
    assert_contract(system, tmp_path, "^/parts(?!/upload)", API_SCOPE, ALL_PHASES)


def test_upload_of_parts_passes_schemathesis(system: System, tmp_path: Path) -> None:
    # A report has the status 200 also if it rejects rows, and JSON Schema cannot describe CSV.
    options = ("--exclude-checks=positive_data_acceptance,negative_data_rejection",)
    assert_contract(system, tmp_path, "^/parts/upload", API_SCOPE, "examples,fuzzing", options)
