"""The three routes of Auth0's Express quickstart, with its messages.

Each route declares one kind of access: public, authenticated, or requiring a scope. A new client
can try them first.
"""

from typing import Final

from fastapi import APIRouter

from encore import Service, authenticated, public, requires

SCOPE: Final = "read:messages"
_TAG: Final = {"name": "quickstart", "description": "A first request, with and without a token"}


def expose(service: Service) -> None:
    """Expose the three routes."""
    router = APIRouter(prefix="/api", tags=[_TAG["name"]])
    service.openapi_tags = [*(service.openapi_tags or ()), _TAG]

    @router.get("/public", summary="A message for anyone", operation_id="get_public_message")
    @public
    async def public_message() -> dict[str, str]:
        """Needs no token."""
        return _message(
            "Hello from a public endpoint! You don't need to be authenticated to see this."
        )

    @router.get(
        "/private",
        summary="A message for callers with a valid token",
        operation_id="get_private_message",
    )
    @authenticated
    async def private_message() -> dict[str, str]:
        """Needs a token, with any scope or none."""
        return _message("Hello from a private endpoint! You need to be authenticated to see this.")

    @router.get(
        "/private-scoped",
        summary=f"A message for tokens with {SCOPE}",
        operation_id="get_scoped_message",
    )
    @requires(SCOPE)
    async def scoped_message() -> dict[str, str]:
        """Needs a token with the scope."""
        return _message(
            "Hello from a private endpoint! You need to be authenticated and have a scope of"
            " read:messages to see this."
        )

    service.router.routes.extend(router.routes)


def _message(message: str) -> dict[str, str]:
    return {"message": message}
