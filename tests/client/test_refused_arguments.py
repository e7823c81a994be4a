"""Arguments that no command can carry out: options given twice, and bytes that are no text."""

from typing import Any

import pytest


@pytest.mark.parametrize(
    "argv",
    [
        ("http://localhost/p", "a==\udcff"),
        ("http://localhost/p", "\udcff==a"),
        ("http://localhost/p", "a=\udcff"),
        ("http://localhost/p\udcff",),
        ("export", "http://localhost/p", "a=\udcff", "--format", "csv"),
        ("export", "http://localhost/p\udcff", "--format", "csv"),
    ],
)
def test_argument_that_is_not_utf_8_is_refused(run: Any, argv: tuple[str, ...]) -> None:
    assert run(*argv)[:2] == (1, "")


@pytest.mark.parametrize(
    "argv",
    [
        ("http://localhost/p", "--output", ""),
        ("export", "http://localhost/p", "--format", "csv", "--output", ""),
        ("generate", "http://localhost/p", "--output", ""),
        ("login", "--client-id", ""),
    ],
)
def test_empty_value_as_of_an_unset_variable_is_not_the_default(
    run: Any, argv: tuple[str, ...]
) -> None:
    result = run(*argv)
    assert (result.code, result.out) == (1, "")
    assert f"{argv[-2]} must name" in result.err


@pytest.mark.parametrize(
    "argv",
    [
        ("parts", "--output", "a", "--output", "b"),
        ("export", "parts", "--format", "csv", "--format", "ndjson"),
        ("export", "parts", "-o", "a.csv", "--output", "b.csv"),
        ("export", "parts", "--format", "csv", "--retries", "0", "--retries", "5"),
        ("generate", "-o", "a.py", "-o", "b.py"),
        ("login", "--scope", "a", "--scope", "b"),
    ],
)
def test_option_that_is_given_twice_is_refused(run: Any, argv: tuple[str, ...]) -> None:
    result = run(*argv)
    assert (result.code, result.out) == (1, "")
    assert "is given twice" in result.err
