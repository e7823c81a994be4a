"""The lines of the log in both forms: one event is one line, whatever its values are."""

import json
import re
import sys
from io import BytesIO, TextIOWrapper
from typing import Any
from unittest.mock import patch

import pytest
import structlog

from encore.server.logs import configure_logs

pytestmark = pytest.mark.usefixtures("restored_logs")

VALUES = {
    "line": "ada\r\n2026-01-01 [info] request status=200",
    "terminal": "\x1b[31mred\x7f\x9b2J\u202eleft\u2028",
    "surrogate": "\ud800x",
    "astral": "\U000e0001",
    "printable": "Zoë Müller 名",
    "quotes": 'ada" status="200',
    "plain": "/items/{id}",
    "number": 7,
    "none": None,
}


def write(form: str) -> list[str]:
    """Log the values; return the lines on stderr."""
    written = BytesIO()
    stderr = TextIOWrapper(written, encoding="utf-8")
    with patch.object(sys, "stderr", stderr):
        configure_logs("info", readable=form == "readable")
        log = structlog.get_logger("encore.test")
        log.info("request", **VALUES)
        log.info("second event", plain="x")
        stderr.flush()
    return written.getvalue().decode().split("\n")


def test_json_lines_keep_every_value_and_are_printable() -> None:
    first, second, end = write("json")
    assert (first + second).isprintable()
    line: dict[str, Any] = json.loads(first)
    assert {name: line[name] for name in VALUES} == VALUES
    assert "Zoë" not in first or "Zoë Müller 名" in first
    assert json.loads(second)["event"] == "second event"
    assert end == ""


def test_readable_lines_show_what_could_be_other_fields_as_one_value() -> None:
    first, second, end = write("readable")
    assert (first + second).isprintable()
    assert "second event" in second
    assert end == ""
    assert r"line='ada\\u000d\\u000a2026-01-01 [info] request status=200'" in first
    assert """quotes='ada" status="200'""" in first
    assert r"terminal=\u001b[31mred\u007f\u009b2J\u202eleft\u2028" in first
    assert "plain=/items/{id}" in first
    assert "number=7" in first
    names = re.findall(r"(?:^| )(\w+)=", re.sub(r"'[^']*'", "''", first))
    assert sorted(names) == sorted(VALUES)
