"""Where CSV has its column names, delimiters and days."""

from datetime import date
from typing import Any

import pytest

from client.errors import SourceError
from tests.client.importing.reading.conftest import Read

ROW = {"who": "ada", "day": "2026-03-02", "project": "Apollo", "hours": "1"}
LINES = "who;day;project;hours\nada;2026-03-02;Apollo;1\n"


@pytest.mark.parametrize(
    ("text", "mapping", "line"),
    [
        (LINES, {"delimiter": ";"}, 2),
        (f"\n\n{LINES}", {"delimiter": ";"}, 4),
        (f"sep=;\n{LINES}", {}, 3),
        (f'"sep=;"\r\n{LINES}', {}, 3),
        (f"SEP=;\n{LINES}", {"delimiter": ";"}, 3),
        (f"\ufeffsep=;\n\n{LINES}", {}, 4),
        (f'Report "March;\n\nsep=;\n{LINES}', {"header": 4}, 5),
        (f"Report;;;\n\n{LINES}", {"header": 3, "delimiter": ";"}, 4),
        (LINES.replace(";", "\t"), {"delimiter": "\t"}, 2),
        (LINES.replace("\n", ";;\n"), {"delimiter": ";"}, 2),
        (LINES.replace("Apollo;1", "Apollo;1;;"), {"delimiter": ";"}, 2),
        (LINES.replace("\n", "\n;;;\n \n"), {"delimiter": ";"}, 4),
        (LINES.replace("\n", "\n\xa0;\u3000; ;\n"), {"delimiter": ";"}, 3),
        (LINES.replace("\n", "\r"), {"delimiter": ";"}, 2),
        (LINES.replace("\n", "\r\n", 1), {"delimiter": ";"}, 2),
        (LINES.rstrip(), {"delimiter": ";"}, 2),
        (LINES.replace("Apollo", "\xa0Apollo \u202f"), {"delimiter": ";"}, 2),
        (LINES.replace("who", '" who\t"').replace("ada", '"ada"'), {"delimiter": ";"}, 2),
    ],
)
def test_row_is_read_below_column_names(
    read: Read, text: str, mapping: dict[str, Any], line: int
) -> None:
    result = read(text, "csv", **mapping)
    assert result.rows == [ROW]
    assert [record.line for record in result.records] == [line]


def test_tsv_is_separated_by_tabs_unless_mapping_or_file_says_otherwise(read: Read) -> None:
    assert read(LINES.replace(";", "\t"), "tsv").rows == [ROW]
    assert read(LINES, "tsv", delimiter=";").rows == [ROW]
    assert read(f"sep=;\n{LINES}", "tsv").rows == [ROW]


@pytest.mark.parametrize(
    ("text", "mapping", "words"),
    [
        ("", {}, "is empty"),
        ("\n \n", {}, "it has 2 lines"),
        (LINES, {"header": 9}, "it has 2 lines, and they are expected in line 9"),
        (f"a\n\n{LINES}", {"header": 2}, "line 2 of the source cannot be read: the line is blank"),
        (LINES, {}, 'not separated by ",": write delimiter = ";" in the mapping'),
        (LINES.replace(";", "\t"), {}, 'write delimiter = "\\t" in the mapping'),
        (f"sep=,\n{LINES}", {"delimiter": ";"}, 'says sep=,, but the mapping says delimiter = ";"'),
        ('who;"day;project\n', {"delimiter": ";"}, "line 1 of the source cannot be read"),
        ("who;d\0ay\n", {"delimiter": ";"}, "contains a NUL character"),
    ],
)
def test_source_without_column_names_is_refused(
    read: Read, text: str, mapping: dict[str, Any], words: str
) -> None:
    with pytest.raises(SourceError) as raised:
        read(text, "csv", **mapping)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("ada;2026-03-02;Apollo", "has 3 cells, but there are 4 columns"),
        ("ada;2026-03-02;Apollo;1;x", "has 5 cells, but there are 4 columns"),
        ("ada;2026-03-02;Apo\0llo;1", "contains a NUL character"),
        ('ada;2026-03-02;"Apo\0llo";1', "contains a NUL character"),
        (f'ada;2026-03-02;"{"x" * 200_000}";1', "has a cell of more than 131072 characters"),
    ],
)
def test_invalid_row_is_rejected_and_others_come_out(read: Read, row: str, words: str) -> None:
    result = read(f"{LINES}{row}\n{LINES.splitlines()[1]}", "csv", delimiter=";")
    assert result.errors == [(3, words)]
    assert result.rows == [ROW, ROW]


def test_columns_without_name_are_ignored(read: Read) -> None:
    result = read(";who;;hours;\n1;ada;2;3;4\n", "csv", delimiter=";")
    assert result.rows == [{"who": "ada", "hours": "3"}]
    assert result.records[0].raw == ["1", "ada", "2", "3", "4"]


def test_file_of_rejected_rows_has_its_column_names_in_the_first_line(read: Read) -> None:
    text = "line;reason;who;day;project;hours\n7;no;ada;2026-03-02;Apollo;1\n8;no;ada\n"
    result = read(text, "csv", delimiter=";", header=4)
    assert result.rows == [ROW]
    assert result.errors == [(3, "has 1 cells, but there are 4 columns")]


GRID = "who,Mon 2026-03-02,Tue 2026-03-03,Wed 2026-03-04,Total\n"
FORM = "%a %Y-%m-%d"


def test_filled_cells_of_day_columns_are_rows(read: Read) -> None:
    result = read(f"{GRID}ada,8, ,4.5,12.5\nbob,0,0:00,-,0\ncy,,1,,1\n", "csv", day_columns=FORM)
    rows = [(row["who"], row["day"], row["cell"]) for row in result.rows]
    assert rows == [
        ("ada", date(2026, 3, 2), "8"),
        ("ada", date(2026, 3, 4), "4.5"),
        ("cy", date(2026, 3, 3), "1"),
    ]
    assert [record.line for record in result.records] == [2, 2, 4]
    assert result.source.columns == tuple(GRID.strip().split(","))


def test_raw_row_of_a_day_has_its_cell_only(read: Read) -> None:
    result = read(f"{GRID}ada,8,,4.5,12.5\nbob,1\n", "csv", day_columns=FORM)
    assert [record.raw for record in result.records] == [
        ["ada", "8", "", "", "12.5"],
        ["ada", "", "", "4.5", "12.5"],
        ["bob", "1"],
    ]


@pytest.mark.parametrize(
    ("header", "form", "words"),
    [
        ("who,Mon,Tue", FORM, "no columns like day_columns = '%a %Y-%m-%d', such as 'Thu 2017-11"),
        ("who,Tue 2026-03-02", FORM, "another weekday than its day: 2026-03-02 is a Monday"),
        ("who,2026-03-02,2026-03-02", "%Y-%m-%d", "more than one column for 2026-03-02"),
        ("who,2026-03-02,2026-03-3x,2026-03-04", "%Y-%m-%d", "'2026-03-3x' is among the days"),
        ("who,2026-02-28,2026-02-29", "%Y-%m-%d", "'2026-02-29' is like day_columns"),
        ("who,12/02/2026,13/02/2026", "%m/%d/%Y", "may have day and month exchanged"),
        ("who,cell,2026-03-02", "%Y-%m-%d", "has a column 'cell'"),
    ],
)
def test_ambiguous_or_missing_day_columns_are_refused(
    read: Read, header: str, form: str, words: str
) -> None:
    with pytest.raises(SourceError) as raised:
        read(f"{header}\n", "csv", day_columns=form)
    assert words in str(raised.value)


def test_columns_beside_days_may_contain_their_names(read: Read) -> None:
    header = "who,2026-03-02,2026-03-02 note,2026-03-03,2026-03-03 note\n"
    result = read(f"{header}ada,1,x,2,y\n", "csv", day_columns="%Y-%m-%d")
    assert [row["cell"] for row in result.rows] == ["1", "2"]
