"""Plain-text tables: widths, wide characters, control characters."""

import pytest

from client.importing.preview.text_table import format_table, shorten, table_width


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("Apollo", 6, "Apollo"),
        ("Apollo", 5, "Ap..."),
        ("Apollo", 2, ".."),
        ("a\tb\nc  d", 20, "a b c d"),
        ("a\x1b[31mb\x07", 20, "a?[31mb?"),
        ("left\u202eright", 20, "left?right"),
        ("東京都港区", 10, "東京都港区"),
        ("東京都港区", 9, "東京都..."),
        ("東京都港区", 8, "東京..."),
        ("", 5, ""),
    ],
)
def test_shorten_text_fits_width_and_is_printable(text: str, width: int, shown: str) -> None:
    assert shorten(text, width) == shown


def test_format_table_wide_characters_align_columns() -> None:
    rows = [("東京", "1"), ("e\u0301a", "20")]
    assert format_table(("city", "n"), rows, right=(1,)) == [
        "city   n",
        "東京   1",
        "e\u0301a    20",
    ]
    assert table_width(("city", "n"), rows) == 8
