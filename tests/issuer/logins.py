"""Authorization requests, and the tokens that they lead to."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx

from tests.fixtures.consent import Person, query_of
from tests.issuer.conftest import CALLBACK

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]


@dataclass(frozen=True)
class Shape:
    """The paths and the issuer of a vendor's shape."""

    issuer_path: str
    authorize: str
    token: str

    def url(self, http: httpx.Client, parameters: Mapping[str, str]) -> str:
        return f"{str(http.base_url).rstrip('/')}{self.authorize}?{urlencode(parameters)}"


OKTA = Shape("/oauth2/default", "/oauth2/default/v1/authorize", "/oauth2/default/v1/token")
AUTH0 = Shape("/", "/authorize", "/oauth/token")
SHAPES = [OKTA, AUTH0]


def request_with(**changes: str | None) -> dict[str, str]:
    """Return the parameters of a valid request, changed; None leaves one out."""
    parameters = {
        "response_type": "code",
        "client_id": "docs",
        "redirect_uri": CALLBACK,
        "scope": "parts_manager",
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | changes
    return {name: value for name, value in parameters.items() if value is not None}


def code_of(
    http: httpx.Client, shape: Shape = OKTA, user: str | None = None, **changes: str | None
) -> str:
    """Return a new code."""
    with Person() as person:
        return query_of(person.allow(shape.url(http, request_with(**changes)), user))["code"]


def redeem(
    http: httpx.Client, code_: str, shape: Shape = OKTA, **changes: str | None
) -> httpx.Response:
    """Send the token request for a code."""
    form = {
        "grant_type": "authorization_code",
        "code": code_,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": "docs",
    } | changes
    data = {name: value for name, value in form.items() if value is not None}
    return http.post(shape.token, data=data)
