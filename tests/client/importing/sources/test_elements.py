"""Rows in elements of an array: the source pages the elements, and each may be incomplete."""

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.client.importing.sources.conftest import SourceImport
from tests.client.importing.sources.paged_source import (
    Answer,
    PagedSource,
    SourceRequest,
    rows,
)

DAYS = "fields = { user_id = 'user_id', project = 'project', date = 'day', hours = 'cell' }"
KEYS = count(1)
MAPPING = 'rows = "issues.fields.worklog.worklogs"\n'


def issue(first: int, last: int, total: int | None = None) -> dict[str, Any]:
    """Return an issue with rows first to last."""
    worklogs = rows(first, last)
    total = len(worklogs) if total is None else total
    return {
        "key": f"APOLLO-{next(KEYS)}",
        "fields": {
            "timetracking": {"total": 99},
            "worklog": {"total": total, "worklogs": worklogs},
        },
    }


ISSUES = [issue(1, 2), issue(3, 2), issue(3, 2), issue(3, 5), issue(6, 6)]
SIX = [f"E{number}" for number in range(1, 7)]


def test_offset_counts_elements_of_the_outermost_array(
    imported: SourceImport, source: PagedSource
) -> None:
    def answer(request: SourceRequest) -> Answer:
        start = int(request.query["startAt"])
        return Answer({"total": 5, "issues": ISSUES[start : start + 1]})

    source.answer = answer
    result = imported(f'{MAPPING}offset_parameter = "startAt"')
    assert result.code == 0, result.err
    assert imported.ids == SIX
    assert [request.query["startAt"] for request in source.requests] == [*"012345"]


def test_total_counts_elements_of_the_outermost_array(
    imported: SourceImport, source: PagedSource
) -> None:
    source.answer = lambda _: Answer({"total": 5, "issues": [issue(1, 9), issue(10, 12)]})
    result = imported(MAPPING)
    assert result.code == 12
    assert "total is 5" in result.err


def test_page_of_elements_without_rows_is_not_the_end(
    imported: SourceImport, source: PagedSource
) -> None:
    def answer(request: SourceRequest) -> Answer:
        number = int(request.query["page"])
        return Answer({"issues": ISSUES[number - 1 : number]})

    source.answer = answer
    result = imported(f'{MAPPING}page_parameter = "page"')
    assert result.code == 0, result.err
    assert imported.ids == SIX


def test_repeated_page_of_elements_without_rows_exits_12(
    imported: SourceImport, source: PagedSource
) -> None:
    source.answer = lambda _: Answer({"issues": ISSUES[1:2]})
    result = imported(f'{MAPPING}page_parameter = "pgae"')
    assert result.code == 12
    assert "it has the same rows as the page before" in result.err


@pytest.mark.parametrize("name", ["a.json", "a.ndjson"])
def test_element_with_more_rows_than_are_in_it_exits_12(
    imported: SourceImport, tmp_path: Path, name: str
) -> None:
    issues = [issue(1, 2), issue(3, 4, total=57)]
    if name == "a.json":
        content, mapping = json.dumps({"total": 2, "issues": issues}), MAPPING
    else:
        content = "\n".join(map(json.dumps, issues))
        mapping = 'rows = "fields.worklog.worklogs"\n'
    (tmp_path / name).write_text(content)
    (tmp_path / "m.toml").write_text(f'{mapping}next = "none"')
    assert imported.run(tmp_path / name, "--mapping", tmp_path / "m.toml").code == 0
    imported.api.requests.clear()
    (tmp_path / "m.toml").write_text(mapping)
    result = imported.run(tmp_path / name, "--mapping", tmp_path / "m.toml")
    assert result.code == 12
    assert "Element 2 around the rows has more than the 2 in it" in result.err
    assert "fields.worklog.total is 57" in result.err


def test_total_counts_lines_of_csv_with_several_days(
    imported: SourceImport, source: PagedSource
) -> None:
    lines = b"user_id,project,2017-05-10,2017-05-11\n007,a,1,2\n008,a,3,4\n"
    headers = {"Content-Type": "text/csv", "X-Total-Count": "2"}
    source.answer = lambda _: Answer(lines, headers)
    mapping = f'day_columns = "%Y-%m-%d"\n{DAYS}'
    result = imported(mapping)
    assert result.code != 12, result.err
    headers["X-Total-Count"] = "3"
    result = imported(mapping)
    assert result.code == 12
    assert "more than the 2 rows that were read: X-Total-Count is 3" in result.err


@pytest.mark.parametrize("other", [f'day_columns = "%Y-%m-%d"\n{DAYS}', 'rows = "data.*.items"'])
def test_offset_that_cannot_count_as_the_source_does_is_refused(
    imported: SourceImport, source: PagedSource, other: str
) -> None:
    result = imported(f'offset_parameter = "startAt"\n{other}')
    assert (result.code, source.requests) == (11, [])
    assert "offset_parameter counts rows as the source does" in result.err
