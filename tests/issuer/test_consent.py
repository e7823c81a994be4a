"""The consent page: who is asked, what may be unticked, and forms that are not its own."""

from typing import Any

import httpx
import pytest
from jose import jwt

from tests.fixtures.consent import Form, Person, query_of
from tests.issuer.conftest import CALLBACK
from tests.issuer.logins import AUTH0, OKTA, SHAPES, Shape, redeem, request_with
from tests.issuer.test_authorization_requests import assert_is_page

BOTH = "parts_manager batch:upload"
ALLOW = {"decision": "allow"}


def token_for(http: httpx.Client, url: str, shape: Shape = OKTA) -> dict[str, Any]:
    response = redeem(http, query_of(url)["code"], shape)
    assert response.status_code == 200, response.text
    content: dict[str, Any] = response.json()
    return content


@pytest.mark.parametrize("shape", SHAPES)
def test_denied_request_is_access_denied(http: httpx.Client, origin: str, shape: Shape) -> None:
    with Person() as person:
        url = person.decide(shape.url(http, request_with()), "deny")
    query = query_of(url)
    assert url.startswith(f"{CALLBACK}?")
    assert (query["error"], query["state"]) == ("access_denied", "s")
    assert query["iss"] == origin + shape.issuer_path
    assert "code" not in query


def test_unticked_scope_is_not_granted(http: httpx.Client) -> None:
    with Person() as person:
        url = person.allow(
            OKTA.url(http, request_with(scope=BOTH)), "grace", untick=["parts_manager"]
        )
    content = token_for(http, url)
    assert content["scope"] == "batch:upload"
    assert jwt.get_unverified_claims(content["access_token"])["scp"] == ["batch:upload"]


def test_scope_that_the_user_lacks_is_not_granted(http: httpx.Client) -> None:
    with Person() as person:
        url = OKTA.url(http, request_with(scope=BOTH))
        assert "(not batch:upload)" in person.open(url).text
        back = person.allow(url, "ada")
    assert token_for(http, back)["scope"] == "parts_manager"


def test_scope_that_was_not_requested_is_not_granted(http: httpx.Client) -> None:
    with Person() as person:
        page = person.open(OKTA.url(http, request_with()))
        fields = ALLOW | {"user": "grace", "scope.batch:upload": "1"}
        back = person.send(page, fields).headers["location"]
    assert token_for(http, back)["scope"] == "parts_manager"


@pytest.mark.parametrize(
    ("user", "untick"), [("ada", []), ("grace", ["batch:upload"]), ("nobody", []), ("", [])]
)
def test_page_is_shown_again_if_nothing_could_be_granted(
    http: httpx.Client, user: str, untick: list[str]
) -> None:
    with Person() as person:
        page = person.open(OKTA.url(http, request_with(scope="batch:upload")))
        again = person.send(page, ALLOW | {"user": user}, untick=untick)
        assert_is_page(again, 400)
        back = person.send(again, ALLOW | {"user": "grace"})
        assert back.headers["location"].startswith(f"{CALLBACK}?code=")


def test_page_preselects_the_first_user_or_the_hinted_one(http: httpx.Client) -> None:
    def preselected(**changes: str) -> str:
        with Person() as person:
            return Form(person.open(OKTA.url(http, request_with(**changes))).text).fields["user"]

    assert preselected() == "ada"
    assert preselected(login_hint="grace") == "grace"
    assert preselected(login_hint="nobody") == "ada"


def test_decision_counts_once(http: httpx.Client) -> None:
    with Person() as person:
        page = person.open(OKTA.url(http, request_with()))
        assert person.send(page, {"decision": "deny"}).status_code == 303
        assert_is_page(person.send(page, ALLOW), 400)


def test_two_pages_of_one_browser_are_independent(http: httpx.Client) -> None:
    with Person() as person:
        first = person.open(OKTA.url(http, request_with(state="first")))
        second = person.open(AUTH0.url(http, request_with(state="second")))
        for page, state in ((first, "first"), (second, "second")):
            assert query_of(person.send(page, ALLOW).headers["location"])["state"] == state


def test_form_of_one_shape_is_unknown_to_the_other(http: httpx.Client) -> None:
    with Person() as person:
        page = person.open(OKTA.url(http, request_with()))
        fields = Form(page.text).fields | ALLOW
        assert_is_page(person.http.post(f"{http.base_url}/consent", data=fields), 400)


def test_form_in_another_browser_is_refused(http: httpx.Client) -> None:
    with Person() as person, Person() as other:
        page = person.open(OKTA.url(http, request_with()))
        assert_is_page(other.send(page, ALLOW), 400)  # No cookie.
        other.open(OKTA.url(http, request_with()))
        assert_is_page(other.send(page, ALLOW), 400)  # Its own cookie.
        assert person.send(page, ALLOW).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
    ],
)
def test_form_that_another_site_sent_is_refused(
    http: httpx.Client, headers: dict[str, str]
) -> None:
    with Person() as person:
        page = person.open(OKTA.url(http, request_with()))
        fields = Form(page.text).fields | ALLOW
        url = f"{http.base_url}/oauth2/default/v1/consent"
        assert_is_page(person.http.post(url, data=fields, headers=headers), 403)
        assert person.send(page, ALLOW).status_code == 303


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"form": ""}, 400), ({"form": "x"}, 400), ({"decision": "x"}, 400), ({"user": "\0"}, 400)],
)
def test_malformed_form_is_a_page(http: httpx.Client, changes: dict[str, str], status: int) -> None:
    with Person() as person:
        page = person.open(OKTA.url(http, request_with()))
        assert_is_page(person.send(page, ALLOW | changes), status)


def test_cookie_is_not_readable_by_scripts_and_not_sent_with_forms_of_others(
    http: httpx.Client,
) -> None:
    cookie = http.get(OKTA.url(http, request_with())).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_pages_have_no_cors(http: httpx.Client) -> None:
    headers = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    for path in (OKTA.authorize, "/consent", "/activate"):
        response = http.options(path, headers=headers)
        assert response.status_code == 405
        assert "access-control-allow-origin" not in response.headers
