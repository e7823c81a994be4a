"""Who may log users in at the development issuer: the docs page and the command-line client."""

from collections.abc import Mapping, Sequence
from typing import Final

from encore.issuer import PublicClient
from encore.service import Service
from encore.service.documentation.paths import REDIRECT

DOCS_CLIENT: Final = "docs"
COMMAND_CLIENT: Final = "client"


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
    return tuple(f"http://{host}:{port}{REDIRECT}" for host in hosts)


def loopback_uris() -> Sequence[str]:
    """Return the redirect URIs of programs that listen on any free port (RFC 8252 section 7.3)."""
    return ("http://127.0.0.1/callback", "http://[::1]/callback")


def scope_descriptions(service: Service) -> Mapping[str, str]:
    """Return what the scopes of a service allow, in the words of its API description."""
    schemes = service.openapi()["components"].get("securitySchemes", {})
    return {
        scope: words
        for scheme in schemes.values()
        for flow in scheme.get("flows", {}).values()
        for scope, words in flow.get("scopes", {}).items()
    }
