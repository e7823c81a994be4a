"""Glob patterns: which texts fit."""

import pytest

from client.importing.mapping.globs import check_glob, compile_globs


@pytest.mark.parametrize(
    ("patterns", "fitting", "others"),
    [
        (("",), [""], [" ", "a"]),
        (("*",), ["", "a", "a\nb"], []),
        (("?*",), ["a", "a\nb"], [""]),
        (("Sum *",), ["Sum ", "Sum of March"], ["sum of March", "A Sum of March", "Sum"]),
        (("[ABC]1",), ["A1", "C1"], ["D1", "a1", "A", "[ABC]1"]),
        (("[!ABC]",), ["D"], ["A", ""]),
        (("[a-c]",), ["b"], ["d"]),
        (("[[]x]",), ["[x]"], ["x"]),
        (("[]]",), ["]"], [""]),
        (("a.c",), ["a.c"], ["abc"]),
        (("", "x", "y*", "*z"), ["", "x", "y1", "1z"], ["a", "xx", "z1"]),
    ],
)
def test_text_fits_one_of_the_patterns(
    patterns: tuple[str, ...], fitting: list[str], others: list[str]
) -> None:
    fits = compile_globs(patterns)
    assert [text for text in fitting + others if fits(text)] == fitting
    for pattern in patterns:
        check_glob(pattern)
