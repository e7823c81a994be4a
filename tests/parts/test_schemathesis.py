"""The OpenAPI contract of parts."""

from pathlib import Path

import httpx

from tests.fixtures.contract import ALL_PHASES, assert_contract
from tests.fixtures.system import API_SCOPE, System


def test_parts_pass_schemathesis(system: System, parts: httpx.Client, tmp_path: Path) -> None:
    assert parts.get("/parts").json() == []
    assert_contract(system, tmp_path, "^/parts", API_SCOPE, ALL_PHASES)
