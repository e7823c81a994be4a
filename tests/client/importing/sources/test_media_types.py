"""The Content-Type of a URL's answer: its format and its charset."""

import pytest

from tests.client.importing.sources.conftest import SourceImport
from tests.client.importing.sources.paged_source import Answer

NAMES = ("user_id", "date", "project", "hours")
CELLS = ("007", "2017-05-10", "Pão", "5")
JSON = '{"data":[{"user_id":"007","date":"2017-05-10","project":"Pão","hours":5}]}'


def csv_of(delimiter: str) -> str:
    return f"{delimiter.join(NAMES)}\n{delimiter.join(CELLS)}\n"


@pytest.mark.parametrize(
    ("content_type", "content", "mapping"),
    [
        ("text/csv; charset=windows-1252", csv_of(",").encode("cp1252"), ""),
        ("text/csv; charset=utf-8", csv_of(",").encode("utf-16"), ""),
        ("text/csv; charset=utf-8", csv_of(",").encode("cp1252"), 'encoding = "cp1252"'),
        ("text/tab-separated-values", csv_of("\t").encode(), ""),
        ("application/vnd.api+json", JSON.encode(), 'rows = "data"'),
        ("text/plain", JSON.encode(), 'rows = "data"\nformat = "json"'),
    ],
)
def test_answer_is_read_as_its_media_type_says(
    imported: SourceImport, content_type: str, content: bytes, mapping: str
) -> None:
    imported.source.answer = lambda _: Answer(content, {"Content-Type": content_type})
    result = imported(mapping)
    assert result.code == 0, result.err
    assert [row["project"] for row in imported.api.requests[0].rows] == ["Pão"]


def test_unknown_charset_is_refused(imported: SourceImport) -> None:
    headers = {"Content-Type": "text/csv; charset=klingon"}
    imported.source.answer = lambda _: Answer(csv_of(",").encode(), headers)
    result = imported()
    assert result.code == 12
    assert "The charset 'klingon' of the source is unknown: write its encoding" in result.err
