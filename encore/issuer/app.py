"""The issuer's application: its routes and its error responses.

Plain Starlette, since no schema is needed. CORS is enabled for loopback pages only, so that the
service's Swagger UI, on another port, can request a token.
"""

from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from encore.issuer.client_authentication import ClientRegistry
from encore.issuer.discovery import WELL_KNOWN, auth0_metadata, okta_metadata
from encore.issuer.endpoints import (
    NO_STORE,
    IntrospectionEndpoint,
    RevocationEndpoint,
    StaticDocument,
    TokenEndpoint,
)
from encore.issuer.issuer_settings import IssuerSettings
from encore.issuer.oauth_errors import OAuthError
from encore.issuer.signing import SigningKey
from encore.issuer.token_store import TokenStore
from encore.issuer.tokens import (
    Auth0Profile,
    OktaProfile,
    RFC9068Profile,
    TokenIssuer,
    TokenProfile,
)

LOOPBACK_ORIGIN: Final = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?"

_METHOD_NOT_ALLOWED: Final = 405


def create_issuer(settings: IssuerSettings) -> Starlette:
    """Return the application, with a new key and an empty token store."""
    key = SigningKey()
    token_store = TokenStore(revoked=settings.revoked_tokens_file)
    clients = ClientRegistry(settings.clients)
    token_issuer = TokenIssuer(key, token_store, settings.token_seconds)
    routes = _auth0_routes(settings, key, clients, token_issuer)
    if settings.has_okta_shape:
        routes += _okta_routes(settings, key, clients, token_issuer, token_store)
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origin_regex=LOOPBACK_ORIGIN,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type", "X-Requested-With"],
            )
        ],
        exception_handlers={
            OAuthError: _handle_oauth_error,
            HTTPException: _handle_http_exception,
            Exception: _handle_failure,
        },
    )


def _auth0_routes(
    settings: IssuerSettings, key: SigningKey, clients: ClientRegistry, token_issuer: TokenIssuer
) -> list[Route]:
    token = TokenEndpoint(
        clients, token_issuer, _profile(settings, Auth0Profile(settings)), json_body=True
    )
    metadata = StaticDocument(auth0_metadata(settings))
    return [
        _get("/.well-known/openid-configuration", metadata),
        _get(WELL_KNOWN, metadata),
        _get("/.well-known/jwks.json", StaticDocument(key.jwks())),
        _post("/oauth/token", token),
    ]


def _okta_routes(
    settings: IssuerSettings,
    key: SigningKey,
    clients: ClientRegistry,
    token_issuer: TokenIssuer,
    token_store: TokenStore,
) -> list[Route]:
    base = settings.location.path
    metadata = StaticDocument(okta_metadata(settings))
    token = TokenEndpoint(
        clients, token_issuer, _profile(settings, OktaProfile(settings)), json_body=False
    )
    return [
        _get(f"{base}/.well-known/openid-configuration", metadata),
        _get(f"{base}{WELL_KNOWN}", metadata),  # As Okta, beside RFC 8414's own place.
        _get(f"{WELL_KNOWN}{base}", metadata),
        _get(f"{base}/v1/keys", StaticDocument(key.jwks())),
        _post(f"{base}/v1/token", token),
        _post(f"{base}/v1/introspect", IntrospectionEndpoint(clients, token_store)),
        _post(f"{base}/v1/revoke", RevocationEndpoint(clients, token_store)),
    ]


def _profile(settings: IssuerSettings, vendor: TokenProfile) -> TokenProfile:
    return RFC9068Profile(vendor) if settings.rfc9068 else vendor


def _get(path: str, document: StaticDocument) -> Route:
    async def endpoint(request: Request) -> Response:
        return await document(request)

    return Route(path, endpoint, methods=["GET"])


def _post(path: str, handler: TokenEndpoint | IntrospectionEndpoint | RevocationEndpoint) -> Route:
    # Starlette treats a callable that is not a function as an ASGI app, and allows every method.
    async def endpoint(request: Request) -> Response:
        return await handler(request)

    return Route(path, endpoint, methods=["POST"])


def _handle_oauth_error(_request: Request, error: Any) -> Response:
    return _error_response(error.status, error.code, error.description, dict(error.headers))


def _handle_http_exception(_request: Request, error: Any) -> Response:
    code = "invalid_request" if error.status_code == _METHOD_NOT_ALLOWED else "not_found"
    return _error_response(error.status_code, code, error.detail, dict(error.headers or {}))


def _handle_failure(_request: Request, _error: Exception) -> Response:
    return _error_response(500, "server_error", "The issuer failed; see its log.", {})


def _error_response(status: int, code: str, description: str, headers: dict[str, str]) -> Response:
    body = {"error": code, "error_description": description}
    return JSONResponse(body, status, headers=headers | NO_STORE)
