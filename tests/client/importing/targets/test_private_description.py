"""Imports into a service whose description needs a token: it shows what the token allows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.importing.targets.test_parts import PartsImport
from tests.fixtures.system import System, start_system

ROWS = "id,name,partNumber\n910001,Bolt,007\n"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    directory = tmp_path_factory.mktemp("closed")
    system = start_system(directory, LOG_LEVEL="warning", PUBLIC_DOCS="false")
    yield system
    system.stop()


@pytest.mark.processes
def test_import_into_a_closed_service_needs_the_scope_of_the_upload(
    closed: System, tmp_path: Path
) -> None:
    parts = PartsImport(closed, tmp_path)
    file = parts.write("parts.csv", ROWS)
    refused = parts(file, "--key", "id", SCOPE="read:timesheets")
    assert refused.code != 0
    assert "The API has no upload of 'parts'" in refused.err
    assert "what a token for the setting SCOPE allows" in refused.err
    assert "1 created" in parts(file, "--key", "id", SCOPE="parts_manager").err
