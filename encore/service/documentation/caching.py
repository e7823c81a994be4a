"""How caches keep the documentation: they ask each time whether it has changed.

A page and its files must be of one version, and a document that of the service's routes now.
"""

from starlette.types import Scope

from encore.http.request_state import RequestState


def cache_control(scope: Scope) -> dict[str, str]:
    """Return ``Cache-Control`` of a response that anybody may have, or only its caller."""
    audience = "public" if RequestState.from_scope(scope).access.public else "private"
    return {"Cache-Control": f"{audience}, no-cache"}
