"""Extracts: the part of a cell that is meant, by [extract]."""

import re
from collections.abc import Callable
from typing import Any

from client.importing.rows.values import to_text

Extract = Callable[[Any], str]


def compile_extract(field: str, regex: str) -> Extract:
    """Return the function that returns the first group of a regular expression's first match.

    Returns:
        A function that returns an empty string if the group is empty or takes no part in the
        match, and raises ``ValueError`` with a reason if the cell does not match.
    """
    search = re.compile(regex).search

    def extract(value: Any) -> str:
        text = to_text(value)
        match = search(text)
        if match is None:
            raise ValueError(f"does not match [extract] {field} = {regex!r}: {text[:40]!r}")
        return match[1] or ""

    return extract
