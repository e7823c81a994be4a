"""Paged sources are read to their end, in each style of paging."""

import pytest

from tests.client.importing.conftest import Fault
from tests.client.importing.sources.conftest import SourceImport
from tests.client.importing.sources.paged_source import (
    Answer,
    PagedSource,
    SourceRequest,
    rows,
)

SEVEN = [f"E{number}" for number in range(1, 8)]
SIZE = 3


def page_of(number: int) -> list[dict[str, object]]:
    """Return the rows of a page of three, of seven rows in all."""
    return rows(1, 7)[(number - 1) * SIZE : number * SIZE]


@pytest.mark.parametrize(
    "link",
    [
        '<{}>; rel="next"',
        "<{}>; rel=next",
        '</entries?page=9>; rel="last", <{}>; title="a, <b>; rel=x"; rel="prev next"',
        '</up>; rel=up,<{}>;rel="NEXT"',
        '</other>; rel="next"; anchor="/elsewhere", <{}>; rel="next"',
    ],
)
@pytest.mark.parametrize("target", ["{origin}/entries?page={n}", "/entries?page={n}", "?page={n}"])
def test_link_header_is_followed_to_the_end(
    imported: SourceImport, source: PagedSource, link: str, target: str
) -> None:
    def answer(request: SourceRequest) -> Answer:
        number = int(request.query.get("page", 1))
        following = target.format(origin=source.origin, n=number + 1)
        headers = {"Link": link.format(following)} if number < 3 else {}
        return Answer(page_of(number), headers)

    source.answer = answer
    result = imported()
    assert result.code == 0, result.err
    assert imported.ids == SEVEN
    assert source.urls == ["/entries", "/entries?page=2", "/entries?page=3"]


def test_page_number_counts_until_page_without_rows(
    imported: SourceImport, source: PagedSource
) -> None:
    source.answer = lambda request: Answer(page_of(int(request.query["p"])))
    assert imported('page_parameter = "p"', path="/entries?a=1").code == 0
    assert imported.ids == SEVEN
    assert source.urls == [f"/entries?a=1&p={number}" for number in (1, 2, 3, 4)]


def test_page_number_starts_with_the_number_in_the_url(
    imported: SourceImport, source: PagedSource
) -> None:
    source.answer = lambda request: Answer(page_of(int(request.query["page"]) + 1))
    assert imported('page_parameter = "page"', path="/entries?page=0").code == 0
    assert imported.ids == SEVEN


def test_page_number_ends_with_the_last_page_that_is_named(
    imported: SourceImport, source: PagedSource
) -> None:
    def answer(request: SourceRequest) -> Answer:
        return Answer(page_of(int(request.query["page"])), {"X-Total-Pages": "3"})

    source.answer = answer
    assert imported('page_parameter = "page"').code == 0
    assert len(source.requests) == 3


@pytest.mark.parametrize("status", [404, 400])
def test_error_after_last_page_is_the_end_only_if_total_is_reached(
    imported: SourceImport, source: PagedSource, status: int
) -> None:
    total = {"X-Total-Count": "7"}

    def answer(request: SourceRequest) -> Answer:
        number = int(request.query["page"])
        return Answer(page_of(number), total) if number <= 3 else Answer(status=status)

    source.answer = answer
    assert imported('page_parameter = "page"').code == 0
    total.clear()
    result = imported('page_parameter = "page"')
    assert result.code == 12
    assert f"Page 4: {source.origin} did not return rows: {status}" in result.err


def test_offset_counts_the_rows_read(imported: SourceImport, source: PagedSource) -> None:
    def answer(request: SourceRequest) -> Answer:
        start = int(request.query["offset"])
        return Answer(rows(1, 7)[start : start + SIZE])

    source.answer = answer
    assert imported('offset_parameter = "offset"').code == 0
    assert imported.ids == SEVEN
    assert [request.query["offset"] for request in source.requests] == ["0", "3", "6", "7"]


def test_csv_pages_have_their_own_header(imported: SourceImport, source: PagedSource) -> None:
    def answer(request: SourceRequest) -> Answer:
        number = int(request.query["page"])
        lines = [",".join(map(str, row.values())) for row in page_of(number)]
        header = "user_id,date,project,hours,external_id"
        body = "\n".join([header, *lines]).encode()
        return Answer(body if number < 4 else b"", {"Content-Type": "text/csv"})

    source.answer = answer
    assert imported('page_parameter = "page"').code == 0
    assert imported.ids == SEVEN


def test_csv_page_with_other_columns_ends_with_12(
    imported: SourceImport, source: PagedSource
) -> None:
    header = {"1": b"user_id,date,project,hours\n", "2": b"user_id,project,date,hours\n"}

    def answer(request: SourceRequest) -> Answer:
        body = header[request.query["page"]] + b"007,2017-05-10,a,5\n"
        return Answer(body, {"Content-Type": "text/csv"})

    source.answer = answer
    result = imported('page_parameter = "page"')
    assert result.code == 12
    assert "Page 2: it has other columns than the first page" in result.err


def test_page_of_another_format_ends_with_12(imported: SourceImport, source: PagedSource) -> None:
    def answer(request: SourceRequest) -> Answer:
        if request.query["page"] == "1":
            return Answer(page_of(1))
        return Answer(b"<html>Sign in</html>", {"Content-Type": "text/html"})

    source.answer = answer
    result = imported('page_parameter = "page"')
    assert result.code == 12
    assert "Page 2: it is text/html, but the first page is json" in result.err


def test_source_that_ignores_the_page_number_ends_with_12(
    imported: SourceImport, source: PagedSource
) -> None:
    source.answer = lambda _: Answer(page_of(1))
    result = imported('page_parameter = "pgae"')
    assert result.code == 12
    assert "Page 2: it has the same rows as the page before" in result.err
    assert imported.ids == []


def test_pages_in_a_circle_end_with_12(imported: SourceImport, source: PagedSource) -> None:
    def answer(request: SourceRequest) -> Answer:
        number = int(request.query.get("page", 1))
        return Answer(page_of(number), {"Link": f'<?page={number % 3 + 1}>; rel="next"'})

    source.answer = answer
    result = imported(path="/entries?page=1")
    assert result.code == 12
    assert "the pages would never end" in result.err


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:{port}/a", "https://localhost:{port}/a", "http://localhost:1/a", "//evil/a"],
)
def test_next_page_elsewhere_ends_with_12_and_is_not_requested(
    imported: SourceImport, source: PagedSource, target: str
) -> None:
    port = source.origin.rpartition(":")[2]
    link = f'<{target.format(port=port)}>; rel="next"'
    source.answer = lambda _: Answer(page_of(1), {"Link": link})
    result = imported(IMPORT_SOURCE_TOKEN="theirs")
    assert result.code == 12
    assert "must have the same scheme, host and port" in result.err
    assert len(source.requests) == 1


@pytest.mark.parametrize(
    "link", ['</a; rel="next"', '<http://[/a>; rel="next"', '<a>; rel="next", <b>; rel="next"']
)
def test_link_header_that_cannot_be_followed_ends_with_12(
    imported: SourceImport, source: PagedSource, link: str
) -> None:
    source.answer = lambda _: Answer(page_of(1), {"Link": link})
    result = imported()
    assert result.code == 12
    assert "next page" in result.err or "Link header" in result.err


def test_page_is_requested_again_after_transient_failures(
    imported: SourceImport, source: PagedSource
) -> None:
    source.answer = lambda request: Answer(page_of(int(request.query["page"])))
    cut = Answer(page_of(2), status=0)
    busy = Answer(status=429, headers={"Retry-After": "0"})
    source.faults = [None, cut, busy, Answer(status=503)]
    assert imported('page_parameter = "page"').code == 0
    assert imported.ids == SEVEN
    assert [request.query["page"] for request in source.requests] == [*"1222234"]


def test_page_that_stays_unavailable_ends_with_12_and_run_resumes(
    imported: SourceImport, source: PagedSource
) -> None:
    source.answer = lambda request: Answer(page_of(int(request.query["page"])))
    source.faults = [None, None, *[Answer(status=503)] * 2]
    arguments = ("--batch-size", "2", "--attempts", "2")
    result = imported('page_parameter = "page"', *arguments)
    assert result.code == 12
    assert "Page 3: " in result.err
    assert "Before that, 6 rows were imported, skipped or rejected." in result.err
    assert imported.ids == SEVEN[:6]
    result = imported('page_parameter = "page"', *arguments)
    assert result.code == 0
    assert "Resuming after 6 rows" in result.err
    assert imported.ids == SEVEN


def test_run_that_the_api_ended_resumes_within_a_page(
    imported: SourceImport, source: PagedSource
) -> None:
    source.answer = lambda request: Answer(page_of(int(request.query["page"])))
    imported.api.faults += [None, None, Fault(400)]
    assert imported('page_parameter = "page"', "--batch-size", "2").code == 7
    imported.api.requests.clear()
    assert imported('page_parameter = "page"', "--batch-size", "2").code == 0
    assert imported.ids == SEVEN[4:]


def test_rejected_rows_name_page_and_line(imported: SourceImport, source: PagedSource) -> None:
    def answer(request: SourceRequest) -> Answer:
        page = page_of(int(request.query["page"]))
        return Answer([{**row, "hours": 25} if row["external_id"] == "E5" else row for row in page])

    source.answer = answer
    assert imported('page_parameter = "page"\nsource = "s"').code == 3
    text = (imported.run.state / "s.rejected.ndjson").read_text()
    assert text.startswith('{"line": "2:2", "reason": "hours must not be 25"')


def test_source_whose_rows_are_removed_meanwhile_is_read_again(
    imported: SourceImport, source: PagedSource
) -> None:
    kept = rows(1, 7)

    def answer(request: SourceRequest) -> Answer:
        start = int(request.query["offset"])
        if len(source.requests) == 2:
            del kept[0]
        return Answer(kept[start : start + SIZE], {"X-Total-Count": str(len(kept))})

    source.answer = answer
    result = imported('offset_parameter = "offset"', "--batch-size", "2")
    assert result.code == 0, result.err
    assert "X-Total-Count was 7 on page 1, and is 6 on page 2" in result.err
    assert set(imported.ids) == set(SEVEN)
