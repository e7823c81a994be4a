"""Messages that docs/reference/models.md quotes are those of the library."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from tests.fixtures.pages import DOCS, ROOT

PAGE: Final = DOCS / "reference/models.md"
_FENCED: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_MESSAGE: Final = re.compile(r"`([^`\n]*)`")
_VARIABLE: Final = re.compile(r"…|<\w+>|'[^']*'|^\w+: ")
_CODE: Final = re.compile(r"[=({\[]|^[A-Z]{3,} |^python|^make |^q=")
_SHORTEST: Final = 8


def strings() -> Iterator[str]:
    """Yield the string constants of the library; those of an f-string are joined by ``…``."""
    for path in (ROOT / "encore").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.JoinedStr(values=values):
                    parts = [v.value if isinstance(v, ast.Constant) else "…" for v in values]
                    yield "".join(map(str, parts))
                case ast.Constant(value=str(text)):
                    yield text


STRINGS: Final = "\n".join(strings())


def quoted() -> list[str]:
    """Return the fixed parts of the messages that the page quotes."""
    messages = _MESSAGE.findall(_FENCED.sub("", PAGE.read_text(encoding="utf-8")))
    parts = [
        part.strip(" :")
        for message in messages
        if not _CODE.search(message)
        for part in _VARIABLE.split(message)
    ]
    return [part for part in parts if len(part) >= _SHORTEST and " " in part]


def test_quoted_messages_are_in_the_code() -> None:
    assert len(quoted()) > 10
    assert [part for part in quoted() if part not in STRINGS] == []
