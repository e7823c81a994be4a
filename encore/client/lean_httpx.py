"""httpx, imported without its command line.

Modules that need httpx as soon as they are imported, for a base class, write ``from
encore.client.lean_httpx import httpx``; others call ``import_httpx`` when they need it.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING


def import_httpx() -> ModuleType:
    """Import httpx without its command line, which imports click, rich and pygments.

    httpx treats a failed import of its ``_main`` as "not installed"; ``None`` in ``sys.modules``
    makes that import fail. This halves the time.
    """
    if "httpx" not in sys.modules:
        sys.modules["httpx._main"] = None  # type: ignore[assignment] # makes the import fail
        try:
            import httpx  # noqa: PLC0415 - start-up.
        finally:
            del sys.modules["httpx._main"]
        return httpx
    return sys.modules["httpx"]


if TYPE_CHECKING:
    import httpx as httpx  # noqa: PLC0414 - exported
else:
    httpx = import_httpx()
