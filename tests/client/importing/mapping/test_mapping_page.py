"""docs/reference/import-mapping.md is correct: its examples have the results that it shows."""

import io
import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.keys import KEYS
from client.importing.mapping.loading import load_mapping
from client.importing.reading.records import read_records
from client.importing.rows.row_results import RowProcessor, RowResult
from tests.fixtures.pages import DOCS

PAGE = (DOCS / "reference/import-mapping.md").read_text(encoding="utf-8")
SOURCES = (DOCS / "reference/import-sources.md").read_text(encoding="utf-8")
GUIDE = (DOCS / "how-to/import.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(toml|csv|json|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    mapping: str
    source: str
    file_format: str
    results: list[str]


def examples() -> list[Example]:
    """Return the examples of the page: a mapping, a source and its results."""
    blocks = BLOCK.findall(PAGE)
    assert len(blocks) % 3 == 0
    found = []
    for (toml, mapping), (file_format, source), (text, results) in zip(
        blocks[::3], blocks[1::3], blocks[2::3], strict=True
    ):
        assert (toml, text) == ("toml", "text")
        found.append(Example(mapping, source, file_format, results.splitlines()))
    return found


def load(text: str, directory: Path) -> FieldMapping:
    (directory / "m.toml").write_text(text, encoding="utf-8")
    return load_mapping(directory / "m.toml")


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.mapping.split("\n")[0])
def test_documented_example_has_the_documented_results(example: Example, tmp_path: Path) -> None:
    mapping = load(example.mapping, tmp_path)
    records = read_records(io.StringIO(example.source), example.file_format, mapping)
    processor = RowProcessor(mapping, "tracker", None, records.columns)
    results = [processor.process(record) for record in records.rows]
    processor.finish()
    assert len(results) == len(example.results)
    for result, documented in zip(results, example.results, strict=True):
        assert_result(result, documented)


def assert_result(result: RowResult, documented: str) -> None:
    if documented == "skipped":
        assert result.is_skipped
    elif documented.startswith("rejected: "):
        assert result.reason == documented.removeprefix("rejected: ")
    else:
        assert not result.reason
        assert json.loads(result.entry).items() >= json.loads(documented).items()


def test_every_key_of_a_mapping_is_in_the_table_and_in_an_example(tmp_path: Path) -> None:
    table = PAGE.partition("| key |")[2].partition("\n\n")[0]
    toml = re.findall(r"^```toml\n(.*?)^```$", PAGE + SOURCES + GUIDE, re.MULTILINE | re.DOTALL)
    mappings = [load(text, tmp_path) for text in toml]
    plain = FieldMapping()
    for key in KEYS:
        assert re.search(rf"`\[?{key}[\].`]", table), key
        is_shown = any(getattr(mapping, key) != getattr(plain, key) for mapping in mappings)
        assert is_shown or f"{key} = " in SOURCES or key == "format", key
