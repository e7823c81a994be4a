"""Expressions: what a mapping writes for a field: a column, a path or a template.

``"Start"`` is a column, ``"user.name"`` and ``"tags.0"`` are paths into a row of JSON, and
``"{First Name} {Last Name}"`` is a template of these. A column whose exact name is the text of the
expression overrides the other meanings, so only the row or the header decides. Literal braces are
doubled: ``"{{Hours}}"`` is the column ``{Hours}``.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Expression:
    """A parsed expression.

    Args:
        text: As the mapping writes it.
        names: The columns or paths that it names, in their order.
        literals: The text before each name, and after the last one; empty if it is not a template.
    """

    text: str
    names: tuple[str, ...]
    literals: tuple[str, ...] = ()


def parse_expression(text: str) -> Expression:
    """Parse an expression.

    Raises:
        ValueError: It is empty or a brace is not closed, with a reason to append to its key.
    """
    if not text.strip():
        raise ValueError("must not be empty")
    literals, names = [""], []
    for is_name, part in _split(text):
        if is_name:
            names.append(part)
            literals.append("")
        else:
            literals[-1] += part
    if not names:
        return Expression(text, (literals[0],))
    return Expression(text, tuple(names), tuple(literals))


def _split(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the parts of a template: whether it is a name, and its text."""
    position = 0
    while position < len(text):
        pair, character = text[position : position + 2], text[position]
        if pair in {"{{", "}}"}:
            yield False, character
            position += 2
        elif character == "{":
            name, position = _read_name(text, position + 1)
            yield True, name
        elif character == "}":
            raise ValueError(f"has a }} without a {{ (a literal brace is doubled): {text!r}")
        else:
            yield False, character
            position += 1


def _read_name(text: str, position: int) -> tuple[str, int]:
    """Return the name between braces, and the position after it."""
    start, name = position, ""
    while position < len(text) and text[position] != "}":
        if text[position] == "{":
            if text[position : position + 2] != "{{":
                break
            position += 1
        name += text[position]
        position += 1
    if text[position : position + 1] != "}":
        raise ValueError(
            f"has a {{ that is not closed: {text[start - 1 :][:20]!r} (a literal brace is doubled)"
        )
    if not name.strip():
        raise ValueError("has {} without the name of a column")
    return name.strip(), position + 1
