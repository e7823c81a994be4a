"""The authorization endpoint, and its responses (RFC 6749 section 4.1.2, RFC 9207)."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from encore.issuer.authorization.codes import AuthorizationCode, AuthorizationCodes
from encore.issuer.authorization.errors import AuthorizationError
from encore.issuer.authorization.request import (
    AuthorizationRequest,
    AuthorizationRequestParser,
    ClientRedirect,
)
from encore.issuer.consent import Approval, ConsentEndpoint
from encore.issuer.endpoints import NO_STORE
from encore.issuer.oauth_errors import OAuthError
from encore.issuer.pages.browser import check_host
from encore.issuer.pages.errors import PageError
from encore.issuer.parameters import read_pairs
from encore.issuer.user_tokens import TokenFamily

_FOUND: Final = 302
_SEE_OTHER: Final = 303
"""The browser goes on with GET, and sends the consent form to nobody (RFC 9700 section 4.12)."""


class AuthorizationEndpoint:
    """Asks the user, and sends the client a code or an error.

    Args:
        issuer: For the parameter ``iss``.
        parser: Validates requests.
        consent: Asks the user.
        codes: Where codes are kept.
    """

    def __init__(
        self,
        issuer: str,
        parser: AuthorizationRequestParser,
        consent: ConsentEndpoint,
        codes: AuthorizationCodes,
    ) -> None:
        self._issuer = issuer
        self._parser = parser
        self._consent = consent
        self._codes = codes

    async def __call__(self, request: Request) -> Response:
        """Return the consent page, or a redirect with an error.

        Raises:
            PageError: The client or its redirect URI is invalid: nothing is redirected.
        """
        check_host(request)
        try:
            pairs = await read_pairs(request)
        except OAuthError as error:
            raise PageError(error.description, error.status) from error
        redirect = self._parser.parse_redirect(pairs)
        try:
            authorization = self._parser.parse(pairs, redirect)
        except AuthorizationError as error:
            return self._error(redirect, error)
        return self._consent.ask(
            request, authorization.access, lambda approval: self._decided(authorization, approval)
        )

    def _decided(self, request: AuthorizationRequest, approval: Approval | None) -> Response:
        if approval is None:
            denied = AuthorizationError("access_denied", "The user denied the request.")
            return self._error(request.redirect, denied, _SEE_OTHER)
        code = AuthorizationCode(
            redirect_uri=request.redirect.redirect_uri,
            challenge=request.challenge,
            family=TokenFamily(
                request.access.client_id, request.access.audience, approval, request.nonce
            ),
        )
        return self._redirect(request.redirect, {"code": self._codes.add(code)}, _SEE_OTHER)

    def _error(
        self, redirect: ClientRedirect, error: AuthorizationError, status: int = _FOUND
    ) -> Response:
        members = {"error": error.code, "error_description": error.description}
        return self._redirect(redirect, members, status)

    def _redirect(
        self, redirect: ClientRedirect, members: Mapping[str, str], status: int
    ) -> Response:
        state = {} if redirect.state is None else {"state": redirect.state}
        url = _with_query(redirect.redirect_uri, {**members, **state, "iss": self._issuer})
        response = Response(status_code=status, headers=NO_STORE)
        # RedirectResponse would quote the URL again.
        response.headers["Location"] = url
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


def _with_query(uri: str, members: Mapping[str, str]) -> str:
    """Return a URI with more in its query, which is kept (RFC 6749 section 3.1.2)."""
    separator = "" if uri.endswith(("?", "&")) else "&" if urlsplit(uri).query else "?"
    return f"{uri}{separator}{urlencode(members)}"
