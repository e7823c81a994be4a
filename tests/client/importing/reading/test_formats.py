"""The format of a source: by mapping, option, media type or suffix."""

from pathlib import PurePath

import pytest

from client.importing.sources.file_formats import (
    charset_of,
    choose_format,
    format_of_media_type,
    format_of_path,
)
from encore.client.errors import UsageError


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.csv", "csv"), ("a.TXT", "csv"), ("a.tsv", "tsv"), ("a.tab", "tsv"), ("a.jsonl", "ndjson"),
     ("a.ndjson", "ndjson"), ("a.json", "json"), ("a.xlsx", ""), ("csv", "")],
)  # fmt: skip
def test_suffix_has_format(name: str, expected: str) -> None:
    assert format_of_path(PurePath(name)) == expected


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/csv; charset=utf-8", "csv"),
        ("text/tab-separated-values", "tsv"),
        ("application/hal+json;charset=utf-8", "json"),
        ("Application/VND.API+JSON", "json"),
        ("application/x-ndjson", "ndjson"),
        ("text/html", ""),
        ("", ""),
    ],
)
def test_media_type_has_format(content_type: str, expected: str) -> None:
    assert format_of_media_type(content_type) == expected


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/csv; charset=utf-8", "utf-8"),
        ('text/csv; header=present; Charset="ISO-8859-1"', "ISO-8859-1"),
        ("text/csv", ""),
    ],
)
def test_media_type_has_charset(content_type: str, expected: str) -> None:
    assert charset_of(content_type) == expected


@pytest.mark.parametrize(
    ("in_mapping", "option", "found", "expected"),
    [
        ("", "", "json", "json"),
        ("", "csv", "json", "csv"),
        ("ndjson", "", "json", "ndjson"),
        ("csv", "csv", "", "csv"),
        ("csv", "", "tsv", "tsv"),
        ("json", "", "tsv", "json"),
    ],
)
def test_format_is_of_mapping_or_option_or_found(
    in_mapping: str, option: str, found: str, expected: str
) -> None:
    assert choose_format(in_mapping, option, found, "name") == expected


@pytest.mark.parametrize(
    ("in_mapping", "option", "words"),
    [("csv", "json", "contradicts"), ("", "", "The format of name is unknown")],
)
def test_unknown_or_contradictory_format_is_refused(
    in_mapping: str, option: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        choose_format(in_mapping, option, "", "name")
