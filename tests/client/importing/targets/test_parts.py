"""``import parts`` into the running service: the resource's fields come from its description."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from client.cli import main
from client.environment import Environment
from tests.client.importing.conftest import RunResult
from tests.fixtures.system import System


class PartsImport:
    """Runs imports of parts with the credentials in the service's directory."""

    def __init__(self, system: System, directory: Path) -> None:
        self._system = system
        self._directory = directory

    def write(self, name: str, content: str) -> Path:
        path = self._directory / name
        path.write_text(content)
        return path

    def __call__(self, *argv: str | Path, resource: str = "parts", **variables: str) -> RunResult:
        out, err = io.StringIO(), io.StringIO()
        state = ("--state", str(self._directory / "state"))
        process = Environment(
            ["import", resource, *map(str, argv), *state],
            {
                "ISSUER": self._system.issuer,
                "IMPORT_URL": f"{self._system.url}/timesheets/upload",
                **variables,
            },
            str(self._system.directory),
            io.TextIOWrapper(io.BytesIO()),
            out,
            err,
        )
        code = main(process)
        assert "Traceback" not in err.getvalue()
        return RunResult(code, out.getvalue(), err.getvalue())

    def stored(self, part: int) -> dict[str, Any]:
        response = self._system.client.get(f"/parts/{part}")
        value: dict[str, Any] = response.raise_for_status().json()
        return value


@pytest.fixture
def parts(system: System, tmp_path: Path) -> PartsImport:
    return PartsImport(system, tmp_path)


def test_rows_are_created_then_unchanged_then_updated_by_id(parts: PartsImport) -> None:
    first = parts.write("parts.csv", "id,name,partNumber\n910001,Bolt,007\n910002,Nut,008\n")
    assert "2 created, 0 updated" in parts(first, "--key", "id").err
    assert "0 created, 0 updated, 2 unchanged" in parts(first, "--key", "id").err
    changed = parts.write("changed.csv", "id,name\n910001,Screw\n910002,Nut\n")
    assert "0 created, 1 updated, 1 unchanged" in parts(changed).err
    assert parts.stored(910001)["name"] == "Screw"
    assert parts.stored(910001)["partNumber"] == "007"


def test_mapping_has_the_fields_of_the_resource(parts: PartsImport) -> None:
    source = parts.write(
        "stock.json",
        json.dumps({"stock": [{"no": "910011", "label": {"en": "Bolt"}, "kind": "x"}]}),
    )
    mapping = parts.write(
        "stock.toml",
        'rows = "stock"\n[fields]\nid = "no"\nname = "{label.en} ({kind})"\n'
        '[values.modelNumber]\nx = "M"\n',
    )
    assert "[values.modelNumber] has no effect" in parts(source, "--mapping", mapping).err
    result = parts(source, "--mapping", mapping, "--set", "fields.modelNumber=kind", "--key", "id")
    assert result.code == 0, result.err
    stored = parts.stored(910011)
    assert (stored["name"], stored["modelNumber"]) == ("Bolt (x)", "M")


def test_null_of_json_removes_a_value_and_a_missing_member_keeps_it(parts: PartsImport) -> None:
    begin = parts.write("a.ndjson", '{"id": 910021, "name": "Bolt", "description": "long"}\n')
    assert parts(begin).code == 0
    keep = parts.write("b.ndjson", '{"id": 910021, "name": "Screw"}\n')
    assert parts(keep).code == 0
    assert parts.stored(910021)["description"] == "long"
    remove = parts.write("c.ndjson", '{"id": 910021, "description": null}\n')
    assert parts(remove).code == 0
    stored = parts.stored(910021)
    assert (stored["name"], stored["description"]) == ("Screw", None)


def test_rows_without_key_and_repeated_keys_are_rejected(parts: PartsImport) -> None:
    source = parts.write("a.csv", "id,name\n910031,a\n,b\n910031,c\nx,d\n")
    result = parts(source)
    assert result.code == 3
    assert "1 created, 0 updated, 0 unchanged, 3 rejected" in result.err
    rejected = next(source.parent.glob("state/*.rejected.csv")).read_text()
    assert "id is missing or empty" in rejected
    assert "duplicate id 910031: an earlier row has it" in rejected
    assert "id must be an integer, not 'x'" in rejected


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--key", "name"), "--key name cannot identify rows of parts: it must be id, as no"),
        (("--since", "2026-01-01"), "--since is for timesheets only"),
        (("--replace",), "--replace is for timesheets only"),
        (("--preview",), "--preview is for timesheets only"),
        (("--set", "unit=minutes"), "unit has no effect: no field of parts has it"),
        (("--set", "external_id=name"), "external_id has no effect: id identifies rows of parts"),
        (("--set", "fields.id=id", "--set", "fields.hours=x"), "'hours' is not one of our fields"),
        (("--set", "fields.name=name"), "[fields] must have id"),
    ],
)
def test_what_has_no_meaning_for_parts_is_refused(
    parts: PartsImport, argv: tuple[str, ...], words: str
) -> None:
    source = parts.write("a.csv", "id,name\n910041,a\n")
    result = parts(source, *argv)
    assert result.code in {1, 11}
    assert words in result.err


def test_unknown_column_is_refused_with_the_closest(parts: PartsImport) -> None:
    result = parts(parts.write("a.csv", "id,nam\n910051,a\n"))
    assert result.code == 12
    assert "'nam' is not one of our fields (did you mean name?)" in result.err


def test_read_only_column_is_refused_as_such(parts: PartsImport) -> None:
    result = parts(parts.write("a.csv", "id,createdAt\n910051,2026-01-01T00:00:00Z\n"))
    assert "'createdAt' is read-only" in result.err


def test_unknown_resource_is_refused_with_those_that_have_uploads(parts: PartsImport) -> None:
    result = parts(parts.write("a.csv", "id\n1\n"), resource="part")
    assert result.code == 1
    assert "The API has no upload of 'part' (did you mean parts?)" in result.err


def test_key_of_timesheets_is_refused(parts: PartsImport) -> None:
    result = parts(parts.write("a.csv", "id\n1\n"), "--key", "id", resource="timesheets")
    assert result.code == 1
    assert "--key is not for timesheets" in result.err


def test_url_that_is_no_upload_is_refused(parts: PartsImport) -> None:
    source = parts.write("a.csv", "id,name\n1,a\n")
    result = parts(source, "--url", "http://localhost:1/parts")
    assert result.code == 11
    assert "must be the URL of an upload" in result.err


def test_description_is_found_above_the_path_of_the_upload(
    parts: PartsImport, system: System
) -> None:
    source = parts.write("a.csv", "id,name\n910071,Bolt\n")
    result = parts(source, "--url", f"{system.url}/v1/x/timesheets/upload", "--dry-run")
    assert result.code == 0, result.err
    assert "1 created" in result.err


def test_dry_run_shows_rows_and_writes_nothing(parts: PartsImport) -> None:
    source = parts.write("a.csv", "id,name\n910061,Bolt\n")
    result = parts(source, "--dry-run")
    assert result.code == 0, result.err
    assert "910061" in result.out
    assert "Hours" not in result.out
    assert "1 created" in result.err
    assert "1 created" in parts(source).err
