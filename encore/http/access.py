"""Access: how a route declares who may call it.

A route of the application declares its access where it is written, below FastAPI's own decorator::

    @router.get("/api/private-scoped")
    @requires("read:messages")
    async def private_scoped() -> Message: ...

Routing reads the declaration; ``encore.auth`` compares it with the token of each request.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call an operation.

    ``public`` requires no token. Otherwise a valid token is required that has every scope of
    ``all_of`` and, unless that is empty, at least one of ``any_of``.
    """

    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    public: bool = False

    def scopes(self) -> frozenset[str]:
        """Return every scope that is named here."""
        return frozenset((*self.all_of, *self.any_of))

    def permits(self, granted: Collection[str]) -> bool:
        """Return whether these scopes suffice."""
        if not all(scope in granted for scope in self.all_of):
            return False
        return not self.any_of or any(scope in granted for scope in self.any_of)


PUBLIC: Final = Access(public=True)
AUTHENTICATED: Final = Access()


def requires(*all_of: str, any_of: Iterable[str] = ()) -> Callable[[Endpoint], Endpoint]:
    """Declare that an endpoint requires a token with all of these scopes, and one of ``any_of``."""
    access = Access(tuple(all_of), tuple(any_of))
    if not access.scopes():
        raise ValueError("requires() must name a scope; for any valid token use @authenticated")

    def declare(endpoint: Endpoint) -> Endpoint:
        return _declare(endpoint, access)

    return declare


def authenticated(endpoint: Endpoint) -> Endpoint:
    """Declare that an endpoint requires a valid token, with any scopes."""
    return _declare(endpoint, AUTHENTICATED)


def public(endpoint: Endpoint) -> Endpoint:
    """Declare that an endpoint requires no token."""
    return _declare(endpoint, PUBLIC)


def _declare(endpoint: Endpoint, access: Access) -> Endpoint:
    endpoint.access = access  # type: ignore[attr-defined] # read by routing and OpenAPI
    return endpoint
