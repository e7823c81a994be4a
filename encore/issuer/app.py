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
from encore.issuer.device.codes import DeviceCodes
from encore.issuer.device.endpoint import DeviceAuthorizationEndpoint, DeviceGrant
from encore.issuer.device.page import DevicePage
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
from encore.issuer.grants import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    PASSWORD,
    REFRESH_TOKEN,
)
from encore.issuer.guess_limit import GuessLimit
from encore.issuer.id_tokens import IdTokenIssuer
from encore.issuer.issuer_settings import IssuerSettings
from encore.issuer.oauth_errors import OAuthError
from encore.issuer.pages.errors import PageError, page_error_response
from encore.issuer.refresh_grant import RefreshGrant
from encore.issuer.signing import SigningKey
from encore.issuer.token_profiles import Auth0Profile, OktaProfile, RFC9068Profile
from encore.issuer.token_store import TokenStore
from encore.issuer.tokens import TokenIssuer, TokenProfile
from encore.issuer.user_tokens import UserTokens
from encore.issuer.userinfo import UserinfoEndpoint

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
    """The grants and endpoints of one vendor's shape.

    Args:
        parts: What both shapes share.
        issuer: ``iss`` of tokens and responses.
        vendor: The vendor's claims.
        base: What the paths of the pages begin with.
        json_body: Whether requests may be JSON.
    """

    def __init__(
        self, parts: _Parts, issuer: str, vendor: TokenProfile, base: str, *, json_body: bool
    ) -> None:
        settings, store, clients = parts.settings, parts.token_store, parts.clients
        profile = RFC9068Profile(vendor) if settings.rfc9068 else vendor
        id_tokens = IdTokenIssuer(issuer, parts.key, settings.token_seconds)
        user_tokens = UserTokens(profile, parts.token_issuer, id_tokens, store)
        codes = AuthorizationCodes(user_tokens, settings.token_seconds)
        device_codes = DeviceCodes()
        grants: Mapping[str, Grant] = {
            CLIENT_CREDENTIALS: ClientCredentialsGrant(parts.token_issuer, profile),
            PASSWORD: PasswordGrant(parts.token_issuer, profile),
            AUTHORIZATION_CODE: CodeGrant(codes, user_tokens),
            DEVICE_CODE: DeviceGrant(device_codes, user_tokens),
            REFRESH_TOKEN: RefreshGrant(user_tokens),
        }
        self.consent = ConsentEndpoint(settings, f"{base}/consent")
        self.activate = DevicePage(f"{base}/activate", device_codes, self.consent, GuessLimit())
        parser = AuthorizationRequestParser(settings, profile)
        self.authorize = AuthorizationEndpoint(issuer, parser, self.consent, codes)
        self.device = DeviceAuthorizationEndpoint(
            settings,
            clients,
            user_tokens,
            device_codes,
            f"{settings.location.origin}{base}/activate",
            json_body=json_body,
        )
        self.token = TokenEndpoint(clients, grants, json_body=json_body)
        self.revoke = RevocationEndpoint(clients, store, user_tokens, json_body=json_body)
        self.userinfo = UserinfoEndpoint(issuer, settings.users, store)


def _auth0_routes(parts: _Parts) -> tuple[list[Route], list[Route]]:
    """Return the routes for programs, and those of pages."""
    settings = parts.settings
    metadata = StaticDocument(auth0_metadata(settings))
    shape = _Shape(parts, settings.auth0_issuer, Auth0Profile(settings), "", json_body=True)
    routes = [
        _route("/.well-known/openid-configuration", metadata, "GET"),
        _route(WELL_KNOWN, metadata, "GET"),
        _route("/.well-known/jwks.json", StaticDocument(parts.key.jwks()), "GET"),
        _route("/oauth/token", shape.token, "POST"),
        _route("/oauth/device/code", shape.device, "POST"),
        _route("/oauth/revoke", shape.revoke, "POST"),
        _route("/userinfo", shape.userinfo, "GET", "POST"),
    ]
    pages = [
        _route("/authorize", shape.authorize, "GET", "POST"),
        _route("/consent", shape.consent, "POST"),
        _route("/activate", shape.activate, "GET", "POST"),
    ]
    return routes, pages


def _okta_routes(parts: _Parts) -> tuple[list[Route], list[Route]]:
    """Return the routes for programs, and those of pages."""
    settings = parts.settings
    base = settings.location.path
    metadata = StaticDocument(okta_metadata(settings))
    shape = _Shape(parts, settings.issuer, OktaProfile(settings), f"{base}/v1", json_body=False)
    introspect = IntrospectionEndpoint(parts.clients, parts.token_store)
    routes = [
        _route(f"{base}/.well-known/openid-configuration", metadata, "GET"),
        _route(f"{base}{WELL_KNOWN}", metadata, "GET"),  # As Okta, beside RFC 8414's own place.
        _route(f"{WELL_KNOWN}{base}", metadata, "GET"),
        _route(f"{base}/v1/keys", StaticDocument(parts.key.jwks()), "GET"),
        _route(f"{base}/v1/token", shape.token, "POST"),
        _route(f"{base}/v1/device/authorize", shape.device, "POST"),
        _route(f"{base}/v1/introspect", introspect, "POST"),
        _route(f"{base}/v1/revoke", shape.revoke, "POST"),
        _route(f"{base}/v1/userinfo", shape.userinfo, "GET", "POST"),
    ]
    pages = [
        _route(f"{base}/v1/authorize", shape.authorize, "GET", "POST"),
        _route(f"{base}/v1/consent", shape.consent, "POST"),
        _route(f"{base}/v1/activate", shape.activate, "GET", "POST"),
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
