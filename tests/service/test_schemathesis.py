"""The item service against its OpenAPI document, by schemathesis."""

from pathlib import Path

import pytest

from tests.fixtures.contract import ALL_PHASES, assert_contract
from tests.fixtures.item_service import SCOPES
from tests.fixtures.system import System

pytestmark = pytest.mark.parametrize("items", ["sqlite"], indirect=True)


def test_item_service_fulfils_its_openapi_document(items: System, tmp_path: Path) -> None:
    # The rows of an upload are validated one by one, the operations of a batch by other schemas.
    paths = "^(?!/items/upload|/batch)"
    assert_contract(items, tmp_path, paths, " ".join(SCOPES), ALL_PHASES)
