"""Errors that are shown to the user, because there is no client to send them to.

An invalid client or redirect URI must not be redirected to (RFC 6749 section 4.1.2.1).
"""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response

from encore.issuer.pages.markup import element
from encore.issuer.pages.page import page


class PageError(Exception):
    """A request of a browser that is answered with a page.

    Args:
        message: What is wrong and what to do, without values of the request.
        status: The HTTP status.
        headers: Further headers.
    """

    def __init__(
        self, message: str, status: int = 400, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.message = message
        self.status = status
        self.headers = headers
        super().__init__(message)


def page_error_response(_request: Request, error: PageError) -> Response:
    """Return the page of an error."""
    response = page("This does not work", element("p", error.message), status=error.status)
    response.headers.update(error.headers)
    return response
