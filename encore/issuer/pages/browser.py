"""Which browser sent a request, and whether a page of ours made it do so.

Three checks keep other sites from deciding for the user: the id of a form is random and shown only
to the browser whose cookie it is bound to, the ``Origin`` of a form must be ours, and the ``Host``
must be a loopback name, so that no name of a stranger leads here (DNS rebinding).
"""

import hmac
import re
import secrets
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from encore.issuer.issuer_settings import LOOPBACK
from encore.issuer.pages.errors import PageError

COOKIE: Final = "encore-issuer"
_ID_BYTES: Final = 32
_ID: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_FORBIDDEN: Final = 403


def check_host(request: Request) -> None:
    """Check that the request names this machine.

    Raises:
        PageError: 403, its ``Host`` is another name.
    """
    try:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        host = None
    if host not in LOOPBACK:
        raise PageError(
            "The development issuer is reached at localhost, 127.0.0.1 or [::1] only.", _FORBIDDEN
        )


def check_own_form(request: Request) -> None:
    """Check that a form was sent by a page of the issuer.

    Raises:
        PageError: 403, another site sent it.
    """
    check_host(request)
    origins = request.headers.getlist("origin")
    if origins:
        is_own = origins == [f"http://{request.headers['host']}"]
    else:
        is_own = request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    if not is_own:
        raise PageError("Another site sent this form; nothing was done.", _FORBIDDEN)


def browser_id(request: Request) -> str:
    """Return the id of the browser: that of its cookie, or a new one."""
    id_ = request.cookies.get(COOKIE, "")
    return id_ if _ID.fullmatch(id_) else secrets.token_urlsafe(_ID_BYTES)


def is_browser(request: Request, id_: str) -> bool:
    """Return whether the request has the cookie of a browser."""
    sent = request.cookies.get(COOKIE, "").encode("utf-8", "surrogatepass")
    return hmac.compare_digest(sent, id_.encode("ascii"))


def remember_browser(response: Response, id_: str) -> None:
    """Set the cookie of a browser, which does not send it with forms of other sites.

    Not ``strict``: a client at 127.0.0.1 that leads to localhost is another site, and each of its
    requests would end what other tabs have begun.
    """
    response.set_cookie(COOKIE, id_, httponly=True, samesite="lax")
