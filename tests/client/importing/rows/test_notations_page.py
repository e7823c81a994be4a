"""docs/reference/import-notations.md is correct: its tables are what the parsers return."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from client.importing.rows.durations import duration_parser
from client.importing.rows.timestamps import timestamp_parser
from tests.fixtures.pages import DOCS

PAGE = (DOCS / "reference/import-notations.md").read_text(encoding="utf-8")


def table(header: str) -> list[list[str]]:
    """Return the cells of the table with this header."""
    body = PAGE.partition(f"\n{header}\n")[2].partition("\n")[2].partition("\n\n")[0]
    rows = [re.split(r" \| ", line.strip("| ")) for line in body.splitlines()]
    assert len(rows) >= 8
    return [[row[0].strip("`"), *row[1:]] for row in rows]


def test_documented_durations_have_these_seconds() -> None:
    parse = duration_parser("milliseconds", decimal_comma=False)
    for cell, seconds in table("| cell | seconds |"):
        assert parse(cell) == int(seconds), cell


def test_documented_numbers_are_read_so_or_rejected() -> None:
    for cell, *readings in table("| cell | without | with `decimal_comma = true` |"):
        for comma, reading in zip((False, True), readings, strict=True):
            parse = duration_parser("seconds", decimal_comma=comma)
            if reading == "rejected":
                assert_rejected(parse, cell)
            else:
                assert parse(cell) == int(float(reading) + 0.5), cell


def test_documented_rejections_are_rejected() -> None:
    for cell, _ in table("| cell | why |"):
        assert_rejected(duration_parser("hours", decimal_comma=False), cell)


def test_documented_dates_are_sent_so() -> None:
    for cell, sent in table("| cell | sent as |"):
        assert timestamp_parser((), None)(cell).rfc3339 == sent, cell


def assert_rejected(parse: Callable[[Any], Any], cell: str) -> None:
    with pytest.raises(ValueError, match=r"must be|too long"):
        parse(cell)
