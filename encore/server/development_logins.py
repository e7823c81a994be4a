"""Who may log users in at the development issuer: the docs page and the command-line client."""

from collections.abc import Sequence
from typing import Final

from encore.issuer import PublicClient

DOCS_CLIENT: Final = "docs"
COMMAND_CLIENT: Final = "client"

_DOCS_REDIRECT: Final = "/docs/oauth2-redirect"
"""Where Swagger UI receives codes."""


def public_clients(port: int) -> Sequence[PublicClient]:
    """Return the clients without a secret.

    Args:
        port: The port of the service.
    """
    return (
        PublicClient(id_=DOCS_CLIENT, name="The docs page", redirect_uris=docs_redirect_uris(port)),
        PublicClient(
            id_=COMMAND_CLIENT,
            name="The command-line client",
            redirect_uris=loopback_uris(),
            has_device_flow=True,
        ),
    )


def docs_redirect_uris(port: int) -> Sequence[str]:
    """Return the redirect URIs of the service's docs page."""
    hosts = ("localhost", "127.0.0.1", "[::1]")
    return tuple(f"http://{host}:{port}{_DOCS_REDIRECT}" for host in hosts)


def loopback_uris() -> Sequence[str]:
    """Return the redirect URIs of programs that listen on any free port (RFC 8252 section 7.3)."""
    return ("http://127.0.0.1/callback", "http://[::1]/callback")
