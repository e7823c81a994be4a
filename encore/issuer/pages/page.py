"""The frame of every page: its style, and the headers that protect it.

No script runs, nothing is loaded, no other site may frame a page (RFC 9700 section 4.16), and forms
are sent only to the issuer, which may redirect only to the client.
"""

import base64
import hashlib
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse, Response

from encore.issuer.pages.markup import Markup, element, join

_STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 8vh auto; max-width: 34rem; padding: 0 1rem; }
fieldset { border: 1px solid #8886; border-radius: .5rem; margin: 1rem 0; padding: .5rem 1rem; }
label { display: block; padding: .25rem 0; }
small, code { opacity: .75; }
code { overflow-wrap: anywhere; }
button, input[type=text] { font: inherit; padding: .5rem 1.25rem; border-radius: .5rem; }
button { border: 1px solid #8888; margin-right: .5rem; }
button.main { background: #1859b5; color: #fff; border-color: #1859b5; }
.note { border-left: .25rem solid #c80; padding-left: .75rem; }
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def page(
    title: str, *content: Markup, status: int = 200, form_targets: Iterable[str] = ()
) -> Response:
    """Return a page.

    Args:
        title: Its title and heading.
        content: What follows the heading.
        status: The HTTP status.
        form_targets: URLs to which the issuer may redirect after a form of the page was sent:
            browsers apply the policy to redirects too.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="robots", content="noindex"),
        element("title", title),
        element("style", Markup(_STYLE)),
    )
    body = element("body", element("main", element("h1", title), *content))
    html = join(Markup("<!doctype html>\n"), element("html", head, body, lang="en"))
    return HTMLResponse(html, status, headers=_headers(form_targets))


def _headers(form_targets: Iterable[str]) -> dict[str, str]:
    targets = " ".join(["'self'", *map(_source, form_targets)])
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {targets};"
            " frame-ancestors 'none'; base-uri 'none'"
        ),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        # no-referrer would make browsers send "Origin: null" with the forms.
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Pragma": "no-cache",
    }


def _source(url: str) -> str:
    """Return the source expression of a URL; that of its scheme if CSP has no other for it."""
    parts = urlsplit(url)
    has_host_source = parts.scheme in ("http", "https") and "[" not in parts.netloc
    return f"{parts.scheme}://{parts.netloc}" if has_host_source else f"{parts.scheme}:"
