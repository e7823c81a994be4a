"""The issuer's application: its routes and its error responses.

Plain Starlette, since no schema is needed. CORS is enabled for loopback pages only, so that the
service's Swagger UI, on another port, can request a token. The pages for users have none: nothing
but their own forms may read or send them.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from encore.issuer.authorization.code_grant import CodeGrant
from encore.issuer.authorization.codes import AuthorizationCodes
from encore.issuer.authorization.endpoint import AuthorizationEndpoint
from encore.issuer.authorization.request import AuthorizationRequestParser
from encore.issuer.client_authentication import ClientRegistry
from encore.issuer.consent import ConsentEndpoint
from encore.issuer.direct_grants import ClientCredentialsGrant, PasswordGrant
from encore.issuer.discovery import WELL_KNOWN, auth0_metadata, okta_metadata
from encore.issuer.endpoints import (
    NO_STORE,
    Grant,
    IntrospectionEndpoint,
    RevocationEndpoint,
    StaticDocument,
    TokenEndpoint,
)
from encore.issuer.grants import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, PASSWORD
from encore.issuer.issuer_settings import IssuerSettings
from encore.issuer.oauth_errors import OAuthError
from encore.issuer.pages.errors import PageError, page_error_response
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


Endpoint = Callable[[Request], Awaitable[Response]]


def create_issuer(settings: IssuerSettings) -> Starlette:
    """Return the application, with a new key and an empty token store."""
    parts = _Parts(settings)
    routes, pages = _auth0_routes(parts)
    if settings.has_okta_shape:
        okta_routes, okta_pages = _okta_routes(parts)
        routes, pages = routes + okta_routes, pages + okta_pages
    return Starlette(
        routes=routes + pages,
        middleware=[
            Middleware(
                _CORSMiddleware,
                pages=frozenset(route.path for route in pages),
                allow_origin_regex=LOOPBACK_ORIGIN,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type", "X-Requested-With"],
            )
        ],
        exception_handlers={
            OAuthError: _handle_oauth_error,
            PageError: _handle_page_error,
            HTTPException: _handle_http_exception,
            Exception: _handle_failure,
        },
    )


class _CORSMiddleware(CORSMiddleware):
    """CORS for all paths but those of pages for users (RFC 9700 section 4.16)."""

    def __init__(self, *args: Any, pages: frozenset[str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "http" and scope["path"] in self._pages:
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class _Parts:
    """What the endpoints of both shapes share."""

    def __init__(self, settings: IssuerSettings) -> None:
        self.settings = settings
        self.key = SigningKey()
        self.token_store = TokenStore(revoked=settings.revoked_tokens_file)
        self.clients = ClientRegistry(settings.clients, public=settings.public_clients)
        self.token_issuer = TokenIssuer(self.key, self.token_store, settings.token_seconds)


class _Shape:
    """The grants and endpoints of one vendor's shape."""

    def __init__(self, parts: _Parts, issuer: str, vendor: TokenProfile, consent: str) -> None:
        settings, token_issuer = parts.settings, parts.token_issuer
        profile = RFC9068Profile(vendor) if settings.rfc9068 else vendor
        codes = AuthorizationCodes(settings.token_seconds, parts.token_store.revoke_by_id)
        self.grants: Mapping[str, Grant] = {
            CLIENT_CREDENTIALS: ClientCredentialsGrant(token_issuer, profile),
            PASSWORD: PasswordGrant(token_issuer, profile),
            AUTHORIZATION_CODE: CodeGrant(codes, token_issuer, profile),
        }
        self.consent = ConsentEndpoint(settings, consent)
        parser = AuthorizationRequestParser(settings, profile)
        self.authorize = AuthorizationEndpoint(issuer, parser, self.consent, codes)


def _auth0_routes(parts: _Parts) -> tuple[list[Route], list[Route]]:
    """Return the routes for programs, and those of pages."""
    settings = parts.settings
    metadata = StaticDocument(auth0_metadata(settings))
    shape = _Shape(parts, settings.auth0_issuer, Auth0Profile(settings), "/consent")
    routes = [
        _route("/.well-known/openid-configuration", metadata, "GET"),
        _route(WELL_KNOWN, metadata, "GET"),
        _route("/.well-known/jwks.json", StaticDocument(parts.key.jwks()), "GET"),
        _route("/oauth/token", TokenEndpoint(parts.clients, shape.grants, json_body=True), "POST"),
    ]
    pages = [
        _route("/authorize", shape.authorize, "GET", "POST"),
        _route("/consent", shape.consent, "POST"),
    ]
    return routes, pages


def _okta_routes(parts: _Parts) -> tuple[list[Route], list[Route]]:
    """Return the routes for programs, and those of pages."""
    settings = parts.settings
    base = settings.location.path
    metadata = StaticDocument(okta_metadata(settings))
    shape = _Shape(parts, settings.issuer, OktaProfile(settings), f"{base}/v1/consent")
    introspect = IntrospectionEndpoint(parts.clients, parts.token_store)
    revoke = RevocationEndpoint(parts.clients, parts.token_store)
    token = TokenEndpoint(parts.clients, shape.grants, json_body=False)
    routes = [
        _route(f"{base}/.well-known/openid-configuration", metadata, "GET"),
        _route(f"{base}{WELL_KNOWN}", metadata, "GET"),  # As Okta, beside RFC 8414's own place.
        _route(f"{WELL_KNOWN}{base}", metadata, "GET"),
        _route(f"{base}/v1/keys", StaticDocument(parts.key.jwks()), "GET"),
        _route(f"{base}/v1/token", token, "POST"),
        _route(f"{base}/v1/introspect", introspect, "POST"),
        _route(f"{base}/v1/revoke", revoke, "POST"),
    ]
    pages = [
        _route(f"{base}/v1/authorize", shape.authorize, "GET", "POST"),
        _route(f"{base}/v1/consent", shape.consent, "POST"),
    ]
    return routes, pages


def _route(path: str, handler: Endpoint, *methods: str) -> Route:
    # Starlette treats a callable that is not a function as an ASGI app, and allows every method.
    async def endpoint(request: Request) -> Response:
        return await handler(request)

    return Route(path, endpoint, methods=list(methods))


def _handle_page_error(request: Request, error: Any) -> Response:
    return page_error_response(request, error)


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
