"""The contract of the tests' own service."""

from pathlib import Path

import pytest

from tests.fixtures.contract import ALL_PHASES, assert_contract
from tests.fixtures.item_service import SCOPES
from tests.fixtures.system import System

pytestmark = pytest.mark.parametrize("items", ["sqlite"], indirect=True)


def test_schemathesis_finds_nothing_in_items(items: System, tmp_path: Path) -> None:
    paths = "^(?!/items/upload)"  # Its rows are judged one by one, in a report.
    assert_contract(items, tmp_path, paths, " ".join(SCOPES), ALL_PHASES)
