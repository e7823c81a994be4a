"""Options that are given twice: the first would be replaced without a word."""

from typing import Any

import pytest


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
