"""Access: how a route declares who may call it.

A route of the application declares its access where it is written, below FastAPI's own decorator::

    @router.get("/api/private-scoped")
    @requires("read:messages")
    async def private_scoped() -> Message: ...

Routing reads the declaration; ``encore.auth`` compares it with the token of each request.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call an operation.

    ``public`` needs no token. Otherwise a valid token is needed, that holds every scope of
    ``all_of`` and, unless that is empty, at least one of ``any_of``.
    """

    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    public: bool = False

    def scopes(self) -> frozenset[str]:
        """Give every scope that is named here."""
        return frozenset((*self.all_of, *self.any_of))

    def permits(self, granted: Collection[str]) -> bool:
        """Return whether these scopes suffice."""
        if not all(scope in granted for scope in self.all_of):
            return False
        return not self.any_of or any(scope in granted for scope in self.any_of)


PUBLIC = Access(public=True)
AUTHENTICATED = Access()


def requires(*all_of: str, any_of: Iterable[str] = ()) -> Callable[[Endpoint], Endpoint]:
    """Declare that an endpoint needs a token with all of these scopes, and one of ``any_of``."""
    access = Access(tuple(all_of), tuple(any_of))
    if not access.scopes():
        raise ValueError("name a scope, or say @authenticated")

    def declare(endpoint: Endpoint) -> Endpoint:
        return _declare(endpoint, access)

    return declare


def authenticated(endpoint: Endpoint) -> Endpoint:
    """Declare that an endpoint needs a valid token, whatever its scopes."""
    return _declare(endpoint, AUTHENTICATED)


def public(endpoint: Endpoint) -> Endpoint:
    """Declare that an endpoint needs no token."""
    return _declare(endpoint, PUBLIC)


def _declare(endpoint: Endpoint, access: Access) -> Endpoint:
    endpoint.access = access  # type: ignore[attr-defined] # Read by routing and by the docs.
    return endpoint
