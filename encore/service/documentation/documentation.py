"""The routes of the documentation, joined with the settings and the gate of a service."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from encore.auth.trusted_issuer import is_loopback
from encore.http.application import Application
from encore.http.forwarded import TrustedProxies
from encore.service.authentication import Authentication
from encore.service.documentation.document import OpenAPIDocument
from encore.service.documentation.document_route import document_route
from encore.service.documentation.home import add_home
from encore.service.documentation.page import DocsPage, PageSettings
from encore.service.documentation.paths import external_prefix
from encore.service.documentation.security import SecuritySchemes
from encore.settings import Settings

_ROOT: Final = "/"


class Documentation:
    """The documentation of a service; its document and its page are routes from now on.

    Args:
        app: The service.
        settings: Its settings.
        authentication: Knows the issuers.
        proxies: Whose ``X-Forwarded-Prefix`` is read.
        scope_descriptions: What scopes allow, in words.
    """

    def __init__(
        self,
        app: Application,
        settings: Settings,
        authentication: Authentication,
        proxies: TrustedProxies,
        scope_descriptions: Mapping[str, str],
    ) -> None:
        self._app = app
        self._scope_descriptions = scope_descriptions
        self._has_public_docs = settings.has_public_docs
        self._authentication = authentication
        self._proxies = proxies
        document = OpenAPIDocument(app, self._schemes)
        page = DocsPage(document, self._schemes, self._page_settings(settings), self._prefix)
        app.router.routes.append(
            document_route(document, self._prefix, authentication.resource_metadata)
        )
        app.router.routes.extend(page.routes())

    def add_home(self) -> None:
        """Add ``/``; to be called when all routes are known."""
        add_home(
            self._app,
            self._prefix,
            resource_metadata=self._authentication.resource_metadata,
            has_public_docs=self._has_public_docs,
        )

    def _prefix(self, request: Request) -> str:
        return external_prefix(request.scope, self._proxies)

    def _schemes(self) -> SecuritySchemes:
        authentication = self._authentication
        return SecuritySchemes(
            authentication.first_issuer.issuer, authentication.endpoints, self._scope_descriptions
        )

    def _page_settings(self, settings: Settings) -> PageSettings:
        issuer = self._authentication.first_issuer
        audiences = (issuer.audience,) if isinstance(issuer.audience, str) else issuer.audience
        parts = urlsplit(issuer.issuer)
        # Auth0, whose issuers end with a slash, issues tokens for an API only if asked to.
        is_auth0 = parts.path == _ROOT
        return PageSettings(
            title=self._app.title,
            client_id=settings.docs_client_id,
            # The development issuer grants whatever is asked for.
            scopes=() if is_loopback(parts.hostname or "") else tuple(settings.scope.split()),
            audience=audiences[0] if is_auth0 and audiences else "",
        )
