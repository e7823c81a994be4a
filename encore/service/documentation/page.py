"""The docs page: Swagger UI, how to get a token here, and the page that ends a login.

Swagger UI is served from the ``fastapi-offline`` package, so it works without internet. The pages
have neither inline scripts nor inline styles, which their policy would block: what a script must
know is in an attribute.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from os import PathLike, stat_result
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import urlsplit

import fastapi_offline
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from encore.http.security_headers import page_policy
from encore.query.parameter_errors import unknown_parameter
from encore.service.documentation.caching import cache_control
from encore.service.documentation.document import OpenAPIDocument
from encore.service.documentation.paths import ASSETS, DOCS, OPENAPI, REDIRECT
from encore.service.documentation.security import SecuritySchemes

Prefix = Callable[[Request], str]
"""Returns the path before a service's own paths, as its callers know it."""

_SWAGGER_UI: Final = Path(fastapi_offline.__file__).parent / "static"
_TEMPLATES: Final = Path(__file__).parent / "templates"
_PAGE: Final = Template((_TEMPLATES / "page.html").read_text(encoding="utf-8"))
_REDIRECT: Final = Template((_TEMPLATES / "redirect.html").read_text(encoding="utf-8"))
_EXPANDED_OPERATIONS: Final = 15
"""A document with more operations shows its tags only, to be opened."""


@dataclass(frozen=True, slots=True)
class PageSettings:
    """What the page tells and sends to the issuer.

    Attributes:
        title: The title of the service.
        client_id: The public client of this page at the issuer; empty if there is none.
        scopes: The scopes that a login asks for unless others are chosen; empty for all.
        audience: For issuers that must be told for which API a token is (Auth0); empty for others.
    """

    title: str
    client_id: str
    scopes: tuple[str, ...]
    audience: str


class _Files(StaticFiles):
    """The files of the pages."""

    def file_response(
        self,
        full_path: str | PathLike[str],
        stat_result: stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Return a file, or 304."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(cache_control(scope))
        return response


class DocsPage:
    """The docs page.

    Args:
        document: What it shows.
        schemes: Returns how callers get tokens, as far as it is known by now.
        settings: What it tells.
        prefix: Returns the path before the service's paths.
    """

    def __init__(
        self,
        document: OpenAPIDocument,
        schemes: Callable[[], SecuritySchemes],
        settings: PageSettings,
        prefix: Prefix,
    ) -> None:
        self._document = document
        self._find_schemes = schemes
        self._settings = settings
        self._prefix = prefix

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the pages and of their files."""
        files = _Files(directory=_SWAGGER_UI, packages=[(__package__, "static")])
        return [
            Route(DOCS, self._show, include_in_schema=False),
            Route(REDIRECT, self._redirect, include_in_schema=False),
            Mount(ASSETS, files),
        ]

    async def _show(self, request: Request) -> HTMLResponse:
        """Return the page. Raises ``InvalidQuery``: Swagger UI reads no settings from a query."""
        if names := list(request.query_params):
            raise unknown_parameter(names[0], ())
        prefix, schemes = self._prefix(request), self._find_schemes()
        page = _PAGE.substitute(
            title=escape(self._settings.title),
            assets=prefix + ASSETS,
            openapi=prefix + OPENAPI,
            config=escape(json.dumps(self._config(prefix, schemes))),
            steps="\n".join(f"<li>{step}</li>" for step in self._steps(schemes)),
        )
        parts = urlsplit(schemes.endpoints.token)
        origins = [f"{parts.scheme}://{parts.netloc}"] if parts.netloc else []
        headers = cache_control(request.scope) | page_policy(connect=origins)
        return HTMLResponse(page, headers=headers)

    async def _redirect(self, request: Request) -> HTMLResponse:
        page = _REDIRECT.substitute(assets=self._prefix(request) + ASSETS)
        return HTMLResponse(page, headers={"Cache-Control": "no-store"} | page_policy())

    def _config(self, prefix: str, schemes: SecuritySchemes) -> Mapping[str, object]:
        is_small = self._document.count() <= _EXPANDED_OPERATIONS
        audience = self._settings.audience
        return {
            "openapi": prefix + OPENAPI,
            "redirect": prefix + REDIRECT,
            "issuer": schemes.issuer,
            "authorizationUrl": schemes.endpoints.authorization,
            "tokenUrl": schemes.endpoints.token,
            "clientId": self._settings.client_id,
            "scopes": " ".join(self._settings.scopes or self._document.scopes()),
            "parameters": {"audience": audience} if audience else {},
            "expansion": "list" if is_small else "none",
        }

    def _steps(self, schemes: SecuritySchemes) -> Iterator[str]:
        """Yield how to get a token and send a request, as HTML."""
        issuer = f"<code>{escape(schemes.issuer)}</code>"
        if not schemes.endpoints.token:
            yield (
                f"Get an access token of {issuer}. Where it issues tokens is not known here: its"
                " discovery document could not be read."
            )
        elif not schemes.endpoints.authorization:
            yield (
                "Press <b>Authorize</b>, fill in <b>client_id</b> and <b>client_secret</b> of a"
                f" client of {issuer}, and press the dialog's <b>Authorize</b>."
            )
        elif self._settings.client_id:
            yield (
                f'<button type="button" id="login">Log in</button> at {issuer}, which asks'
                " what this page may do. To choose scopes, or for a program's credentials, press"
                " <b>Authorize</b>."
            )
        else:
            yield (
                "Press <b>Authorize</b>. Persons need the <b>client_id</b> of a public client of"
                f" {issuer} that redirects to <code data-redirect></code>; programs their own"
                " client's id and secret, below <b>clientCredentials</b>."
            )
        yield "Open an operation, such as a list, and press <b>Try it out</b>."
        yield "Press <b>Execute</b>: below are the request as a curl command, and the response."
