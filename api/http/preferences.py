"""The ``Prefer`` header (RFC 7240), of which ``handling`` is understood; all else is ignored."""

import re
from functools import lru_cache
from typing import Final

from starlette.types import Scope

_ITEM: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_HANDLING: Final = re.compile(
    r'\s*handling\s*(?:=\s*(?:"([^"\\]*)"|([^\s;,"]*))\s*)?(?:;|$)', re.IGNORECASE
)


def is_lenient(scope: Scope) -> bool:
    """Return whether the caller asks to pass over what is unknown."""
    given = [value for name, value in scope["headers"] if name == b"prefer"]
    return bool(given) and _handling(b",".join(given)) == "lenient"


@lru_cache(256)
def _handling(prefer: bytes) -> str | None:
    """Return the value of the first ``handling``: of one given twice, the first counts."""
    for item in _ITEM.findall(prefer.decode("latin-1")):
        found = _HANDLING.match(item)
        if found is not None:
            return (found[1] or found[2] or "").strip().lower()
    return None
