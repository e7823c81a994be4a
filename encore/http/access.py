"""Access: how a route declares who may call it.

A route of the application declares its access where it is written, below FastAPI's own decorator::

    @router.get("/api/private-scoped")
    @requires("read:messages")
    async def private_scoped() -> Message: ...

Routing reads the declaration; ``encore.auth`` compares it with the token of each request.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

SCOPE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
"""RFC 6749 section 3.3; a quotation mark would also break out of the challenge."""


def check_scopes(scopes: Any) -> None:
    """Raise ``ValueError`` for scopes that no token can have, such as ``"read write"``."""
    if isinstance(scopes, str):
        raise ValueError("must be a list of scopes")  # noqa: TRY004 - one error for all values
    for scope in scopes:
        if not isinstance(scope, str) or not SCOPE.fullmatch(scope):
            raise ValueError(
                f"{scope!r} is not a scope: it must be printable ASCII without spaces, quotation"
                " marks and backslashes; name several as a list"
            )


def _as_tuple(scopes: Any) -> Any:
    """Return the scopes of any iterable, which checking would exhaust; a string as it is."""
    return scopes if isinstance(scopes, str) else tuple(scopes)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call an operation.

    ``public`` requires no token. Otherwise a valid token is required that has every scope of
    ``all_of`` and, unless that is empty, at least one of ``any_of``. ``verifies_token`` is for
    public operations that answer callers with a token in another way: a token that is sent is
    then verified as everywhere, while the others ignore it.

    Raises:
        ValueError: A scope is one that no token can have, a public operation names scopes, or
            ``verifies_token`` is set for one that is not public.
    """

    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    public: bool = False
    verifies_token: bool = False

    def __post_init__(self) -> None:
        for name in ("all_of", "any_of"):
            scopes = _as_tuple(getattr(self, name))
            check_scopes(scopes)
            object.__setattr__(self, name, scopes)
        if not isinstance(self.public, bool):
            raise ValueError("public must be true or false")  # noqa: TRY004 - one error for all
        if self.verifies_token and not self.public:
            raise ValueError("verifies_token is for public operations: all others verify tokens")
        if self.public and self.scopes():
            raise ValueError("a public operation requires no token: it must not name scopes")

    def scopes(self) -> frozenset[str]:
        """Return every scope that is named here."""
        return frozenset((*self.all_of, *self.any_of))

    def permits(self, granted: frozenset[str] | set[str]) -> bool:
        """Return whether these scopes suffice."""
        return granted.issuperset(self.all_of) and (
            not self.any_of or not granted.isdisjoint(self.any_of)
        )


PUBLIC: Final = Access(public=True)
TOKEN_OPTIONAL: Final = Access(public=True, verifies_token=True)
AUTHENTICATED: Final = Access()


def requires(*all_of: str, any_of: Iterable[str] = ()) -> Callable[[Endpoint], Endpoint]:
    """Declare that an endpoint requires a token with all of these scopes, and one of ``any_of``.

    Raises:
        ValueError: No scope is named, or one that no token can have.
    """
    access = Access(all_of, _as_tuple(any_of))
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
    """Raise ``ValueError`` if the endpoint has another declaration, which this would override."""
    if getattr(endpoint, "access", access) != access:
        raise ValueError(
            f"{getattr(endpoint, '__name__', endpoint)} declares its access twice: use one of"
            " @public, @authenticated and @requires, which accepts several scopes"
        )
    endpoint.access = access  # type: ignore[attr-defined] # read by routing and OpenAPI
    return endpoint
