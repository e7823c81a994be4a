"""The three routes of Auth0's Express quickstart, with its messages.

Each route declares one kind of access: public, authenticated, or requiring a scope. A new client
can try them first.
"""

from typing import Any, Final

from fastapi import APIRouter

from encore import Service, authenticated, public, requires

SCOPE: Final = "read:messages"
_TAG: Final = {"name": "quickstart", "description": "A first request, with and without a token"}
_PUBLIC: Final = {
    "message": "Hello from a public endpoint! You don't need to be authenticated to see this."
}
_PRIVATE: Final = {
    "message": "Hello from a private endpoint! You need to be authenticated to see this."
}
_SCOPED: Final = {
    "message": "Hello from a private endpoint! You need to be authenticated and have a scope of"
    " read:messages to see this."
}


def expose(service: Service) -> None:
    """Expose the three routes."""
    router = APIRouter(prefix="/api", tags=[_TAG["name"]])
    service.openapi_tags = [*(service.openapi_tags or ()), _TAG]

    @router.get(
        "/public",
        summary="A message for anyone",
        operation_id="get_public_message",
        responses=_example(_PUBLIC),
    )
    @public
    async def public_message() -> dict[str, str]:
        """Needs no token."""
        return _PUBLIC

    @router.get(
        "/private",
        summary="A message for callers with a valid token",
        operation_id="get_private_message",
        responses=_example(_PRIVATE),
    )
    @authenticated
    async def private_message() -> dict[str, str]:
        """Needs a token, with any scope or none."""
        return _PRIVATE

    @router.get(
        "/private-scoped",
        summary=f"A message for tokens with {SCOPE}",
        operation_id="get_scoped_message",
        responses=_example(_SCOPED),
    )
    @requires(SCOPE)
    async def scoped_message() -> dict[str, str]:
        """Needs a token with the scope."""
        return _SCOPED

    service.router.routes.extend(router.routes)


def _example(response: dict[str, str]) -> dict[int | str, dict[str, Any]]:
    """Return the description of a response that is always the same."""
    return {200: {"content": {"application/json": {"example": response}}}}
