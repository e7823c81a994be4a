"""CSV with a broken quote: its row is rejected with its line, and all others come out."""

import csv
import io
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.importing.reading.conftest import Read

HEADER = "who,day,project,hours\n"
GOOD = "ada,2026-03-02,Apollo,1\n"
OTHER = 'bob,2026-03-03,"Hermes, ""the"" second\nand third line",2\n'
OTHER_PROJECT = 'Hermes, "the" second\nand third line'


@pytest.mark.parametrize(
    ("broken", "lines"),
    [
        ('ada,2026-03-02,"Apollo,1\n', [2]),
        ('"ada,2026-03-02,Apollo,1\n', [2]),
        ('ada,2026-03-02,Apollo,"1\n', [2]),
        ('ada,2026-03-02,"Apollo" x,1\n', [2]),
        ('ada,2026-03-02,"Apollo "x" y",1\n', [2]),
        ('ada,2026-03-02,Apollo",1\n', [2]),
        ('ada,2026-03-02, "Apollo",1\n', [2]),
        ('ada,2026-03-02,"Apollo\nx"y,1\n', [2]),
        ('ada,2026-03-02,"Apollo\nx",1,2\n', [2]),
        ('ada,2026-03-02,"""Apollo,1\n', [2]),
        ('ada,2026-03-02,Apollo\nx",1\n', [2, 3]),
    ],
)
@pytest.mark.parametrize("after", [GOOD + OTHER, OTHER + GOOD, GOOD * 30, OTHER, ""])
def test_row_with_broken_quote_is_rejected_alone(
    read: Read, broken: str, lines: list[int], after: str
) -> None:
    result = read(HEADER + broken + after, "csv")
    assert [line for line, _ in result.errors] == lines
    assert "quote" in result.errors[0][1] or "cells" in result.errors[0][1]
    assert result.rows == read(HEADER + after, "csv").rows


@pytest.mark.parametrize("cell", ['5" screen', 'say "hello"', 'a"b"c', '5"5'])
def test_quotes_inside_unquoted_cell_are_part_of_it(read: Read, cell: str) -> None:
    result = read(f"{HEADER}ada,2026-03-02,{cell},1\n{OTHER}", "csv")
    assert [row["project"] for row in result.rows] == [cell, OTHER_PROJECT]


def test_cell_of_many_lines_is_legal_and_one_of_too_many_is_rejected(read: Read) -> None:
    for lines, valid in ((900, True), (1100, False)):
        note = "x\n" * lines
        result = read(f'{HEADER}ada,2026-03-02,"{note}",1\n{GOOD}', "csv")
        assert (len(result.rows) == 2) is valid
        assert result.rows[-1]["project"] == "Apollo"


class _Written(NamedTuple):
    """Rows as text, each with its cells."""

    delimiter: str
    texts: list[str]
    cells: list[list[str]]


@st.composite
def _written(draw: st.DrawFn) -> _Written:
    delimiter = draw(st.sampled_from(",;\t|"))
    # A cell of delimiters and line ends alone looks like the end of another cell.
    word = st.text(f'ab\n"{delimiter} é', max_size=6).map("x{}y".format)
    row_cells = st.tuples(word, st.just("") | word, st.just("") | word).map(list)
    cells = draw(st.lists(row_cells, min_size=2, max_size=8))
    line_end = draw(st.sampled_from(["\n", "\r\n"]))
    quote_all = draw(st.booleans())
    texts = []
    for row in cells:
        text = io.StringIO()
        csv.writer(
            text,
            delimiter=delimiter,
            lineterminator=line_end,
            quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL,
        ).writerow(row)
        texts.append(text.getvalue())
    return _Written(delimiter, texts, cells)


@given(written=_written(), data=st.data())
def test_other_rows_come_out_whatever_quote_is_broken(
    read: Read, written: _Written, data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, len(written.texts) - 1))
    row = written.texts[position]
    quotes = [at for at, character in enumerate(row) if character == '"']
    removed = data.draw(st.sampled_from([-1, *quotes]))
    if removed >= 0:
        at = removed
        broken = row[:at] + row[at + 1 :]
    else:
        at = data.draw(st.integers(0, len(row.rstrip("\r\n"))))
        broken = f'{row[:at]}"{row[at:]}'
    texts = [*written.texts[:position], broken, *written.texts[position + 1 :]]
    header = written.delimiter.join("abc")
    result = read(f"{header}\n{''.join(texts)}", "csv", delimiter=written.delimiter)
    rows = [list(row.values()) for row in result.rows]
    before, after = written.cells[:position], written.cells[position + 1 :]
    assert rows[: len(before)] == before
    assert rows[len(rows) - len(after) :] == after
    assert len(rows) + len(result.errors) > len(before) + len(after)


@given(written=_written())
def test_rows_without_broken_quote_come_out_as_written(read: Read, written: _Written) -> None:
    header = written.delimiter.join("abc")
    result = read(f"{header}\n{''.join(written.texts)}", "csv", delimiter=written.delimiter)
    assert [list(row.values()) for row in result.rows] == written.cells
    assert result.errors == []
