"""What the layers of one request tell one another.

The outermost layer opens an ``Exchange`` and leaves it in the ASGI scope; each layer fills in what
it finds out. The request log is written from it at the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Scope

_KEY = "encore.exchange"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call an operation.

    ``public`` needs no token. Otherwise a valid token is needed, that holds every scope of
    ``all_of`` and, unless that is empty, at least one of ``any_of``.
    """

    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    public: bool = False


PUBLIC = Access(public=True)
AUTHENTICATED = Access()


@dataclass(slots=True)
class Exchange:
    """One request and what became of it.

    Attributes:
        request_id: Shown in every problem body and every log line.
        access: What the operation asks of the token; set by routing.
        route: The path template, ``/parts/{id}``; None where no route matched.
        operation: What to run; set by routing.
        claims: The verified claims; empty on public routes.
        client_id: Who called, from ``cid``, ``client_id`` or ``azp``.
        reason: The code of the refusal, for the log only.
    """

    request_id: str
    access: Access = AUTHENTICATED
    route: str | None = None
    operation: Any = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    client_id: str | None = None
    reason: str | None = None

    @staticmethod
    def of(scope: Scope) -> "Exchange":
        """Find the exchange that the outermost layer put into this scope."""
        exchange: Exchange = scope[_KEY]
        return exchange

    def attach(self, scope: Scope) -> None:
        """Put this exchange into the scope."""
        scope[_KEY] = self
