"""The item service against its OpenAPI document, by schemathesis."""

from pathlib import Path

import pytest

from tests.fixtures.contract import ALL_PHASES, assert_contract
from tests.fixtures.item_service import SCOPES
from tests.fixtures.system import System

pytestmark = pytest.mark.parametrize("items", ["sqlite"], indirect=True)


def test_item_service_fulfils_its_openapi_document(items: System, tmp_path: Path) -> None:
    paths = "^(?!/items/upload)"  # Its rows are validated one by one, in a report.
    assert_contract(items, tmp_path, paths, " ".join(SCOPES), ALL_PHASES)
