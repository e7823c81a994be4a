"""Exports in the shape of real time trackers are imported exactly, into the running service.

Each directory of tests/data/exports has an export with invented data, its mapping, and what an
exact import stores. Hours are compared at two decimals.
"""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from client.importing.mapping.keys import KEYS
from tests.client.importing.export_server import ExportServer
from tests.client.importing.imports import ServiceImports
from tests.fixtures.system import ROOT

CASES: Final = sorted((ROOT / "tests/data/exports").iterdir())
COMPARED: Final = ("user_id", "day", "project", "hours", "external_id")


@pytest.fixture(scope="module")
def export_server() -> Iterator[ExportServer]:
    with ExportServer() as server:
        yield server


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_export_is_imported_exactly(
    imports: ServiceImports, export_server: ExportServer, tmp_path: Path, case: Path
) -> None:
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    mapping = case / "mapping.toml"
    source = (
        f"{export_server.url}{expected['url']}" if "url" in expected else case / expected["file"]
    )
    export_server.serve(case, expected.get("served", []))
    arguments = ("--mapping", mapping, "--state", tmp_path / "state", *expected["args"])
    environment = expected.get("environment", {})

    result = imports.run(source, *arguments, **environment)
    name = tomllib.loads(mapping.read_text(encoding="utf-8"))["source"]
    stored = imports.stored(name)
    assert entries_of(stored, expected["entries"]) == sorted_entries(expected["entries"]), (
        result.err
    )
    assert round(sum(entry["hours"] for entry in stored), 2) == expected["total_hours"]
    assert result.count("rejected", "skipped") == expected["dropped"], result.err
    code = expected.get("exit_code", 3 if result.count("rejected") else 0)
    assert result.code == code, result.err

    again = imports.run(source, *arguments, **environment)
    assert again.count("unchanged") == len(expected["entries"]), again.err
    assert again.count("created", "updated") == 0
    assert imports.stored(name) == stored


def test_every_key_of_the_language_is_in_a_case() -> None:
    used = {
        key
        for case in CASES
        for key in tomllib.loads((case / "mapping.toml").read_text(encoding="utf-8"))
    }
    assert used >= set(KEYS)


def entries_of(
    stored: list[dict[str, Any]], expected: list[dict[str, Any]]
) -> list[tuple[Any, ...]]:
    """Return what is compared; the external id only where the source has one."""
    has_ids = any(entry["external_id"] for entry in expected)
    entries = [{**entry, "hours": round(entry["hours"], 2)} for entry in stored]
    return sorted_entries(entries if has_ids else [{**e, "external_id": None} for e in entries])


def sorted_entries(entries: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return sorted(tuple(entry[name] for name in COMPARED) for entry in entries)
