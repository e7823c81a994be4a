"""The mappings that are shipped: one for the export of each of some time trackers."""

import tomllib
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

DIRECTORY: Final = Path(__file__).parents[1] / "mappings"

_LEAST_NAMES: Final = 3
"""Fewer names would fit many a file by chance."""


class ShippedMapping(NamedTuple):
    """A shipped mapping."""

    name: str
    """How ``--mapping`` selects it."""
    path: Path

    @property
    def text(self) -> str:
        """The file's content."""
        return self.path.read_text(encoding="utf-8")

    @property
    def description(self) -> str:
        """What it reads: the comment in its first line."""
        return self.text.partition("\n")[0].removeprefix("# ")


@cache
def shipped_mappings() -> dict[str, ShippedMapping]:
    """Return all shipped mappings by name."""
    paths = sorted(DIRECTORY.glob("*.toml"))
    return {path.stem: ShippedMapping(path.stem, path) for path in paths}


def fitting_mappings(names: Collection[str]) -> tuple[str, ...]:
    """Return the shipped mappings that fit a row best.

    Args:
        names: The columns of CSV, or the members of a JSON row.

    Returns:
        The names of those with the most columns, all of which the row has; mostly one or none.
    """
    fitting = {}
    for mapping in shipped_mappings().values():
        content = tomllib.loads(mapping.text)
        needed = {_first_member(name) for name in _columns(content)}
        if len(needed) >= _LEAST_NAMES and needed.issubset(names):
            fitting[mapping.name] = len(needed)
    most = max(fitting.values(), default=0)
    return tuple(name for name, count in fitting.items() if count == most)


def hint_at_mapping(names: Collection[str]) -> str:
    """Return a sentence that names the mapping that fits a row, after a space; or empty."""
    fitting = fitting_mappings(names)
    if not fitting:
        return ""
    options = " or ".join(f"--mapping {name}" for name in fitting)
    return f" The columns are those of {' and '.join(fitting)}: pass {options}."


def _columns(content: dict[str, Any]) -> Iterator[str]:
    """Yield the columns and paths that a row must have for a mapping to fit."""
    from client.importing.mapping.expressions import parse_expression  # noqa: PLC0415 - start-up.

    for text in content["fields"].values():
        yield from parse_expression(text).names
    if "external_id" in content:
        yield content["external_id"]


def _first_member(name: str) -> str:
    return name.partition(".")[0]
