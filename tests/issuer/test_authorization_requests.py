"""Authorization requests that are refused: at the redirect URI, or on a page if it is not valid."""

from html import unescape
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures.consent import Form, query_of
from tests.issuer.conftest import CALLBACK
from tests.issuer.logins import AUTH0, CHALLENGE, OKTA, SHAPES, Shape, request_with

ATTACK = "\"'><script>alert(1)</script><!--"


def ask(
    http: httpx.Client, shape: Shape = OKTA, extra: str = "", **changes: str | None
) -> httpx.Response:
    return http.get(f"{shape.authorize}?{urlencode(request_with(**changes))}{extra}")


def assert_is_page(response: httpx.Response, status: int) -> None:
    """Check that a response is a page that nothing can run on, frame, keep or read."""
    assert response.status_code == status, response.text
    assert "location" not in response.headers
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in response.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["style-src"].startswith("'sha256-")
    assert policy["form-action"].startswith("'self'")
    assert policy.keys() == {
        *("default-src", "style-src", "form-action", "frame-ancestors", "base-uri")
    }
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in response.headers
    assert "<script" not in response.text
    assert " style=" not in response.text


@pytest.mark.parametrize(
    ("changes", "extra", "error"),
    [
        ({"response_type": None}, "", "invalid_request"),
        ({"response_type": "token"}, "", "unsupported_response_type"),
        ({"response_type": "code id_token"}, "", "unsupported_response_type"),
        ({"response_type": "CODE"}, "", "unsupported_response_type"),
        ({"response_mode": "fragment"}, "", "invalid_request"),
        ({"response_mode": "form_post"}, "", "invalid_request"),
        ({"code_challenge": None}, "", "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "", "invalid_request"),
        ({"code_challenge_method": None}, "", "invalid_request"),
        ({"code_challenge_method": "plain"}, "", "invalid_request"),
        ({"code_challenge_method": "s256"}, "", "invalid_request"),
        ({"code_challenge": CHALLENGE + "="}, "", "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1]}, "", "invalid_request"),
        ({"code_challenge": "é" * 43}, "", "invalid_request"),
        ({"scope": None}, "", "invalid_scope"),
        ({"scope": "parts_manager  a"}, "", "invalid_scope"),
        ({"scope": "parts_manager unknown"}, "", "invalid_scope"),
        ({"scope": '"'}, "", "invalid_scope"),
        ({"resource": "https://else.example"}, "", "invalid_target"),
        ({"resource": "api://default#f"}, "", "invalid_target"),
        ({"resource": "api://default"}, "&resource=api://default", "invalid_target"),
        ({"audience": "https://else.example"}, "", "invalid_target"),
        ({"prompt": "none"}, "", "login_required"),
        ({"prompt": "none login"}, "", "invalid_request"),
        ({"prompt": "create"}, "", "invalid_request"),
        ({"max_age": "-1"}, "", "invalid_request"),
        ({"max_age": "1e3"}, "", "invalid_request"),
        ({"request": "e30"}, "", "request_not_supported"),
        ({"request_uri": "https://a.example"}, "", "request_uri_not_supported"),
        ({"registration": "{}"}, "", "registration_not_supported"),
        ({"claims": "{}"}, "", "invalid_request"),
        ({"id_token_hint": "x"}, "", "invalid_request"),
        ({"authorization_details": "[]"}, "", "invalid_request"),
        ({"dpop_jkt": "x"}, "", "invalid_request"),
        ({}, "&scope=parts_manager", "invalid_request"),
        ({}, "&unknown=1&unknown=2", "invalid_request"),
        ({"nonce": "x" * 5000}, "", "invalid_request"),
        ({"login_hint": "a\0b"}, "", "invalid_request"),
    ],
)
def test_invalid_request_is_answered_at_the_redirect_uri(
    http: httpx.Client, origin: str, *, changes: dict[str, str | None], extra: str, error: str
) -> None:
    response = ask(http, OKTA, extra, **changes)
    assert response.status_code == 302, response.text
    assert response.headers["location"].startswith(f"{CALLBACK}?error=")
    query = query_of(response.headers["location"])
    assert (query["error"], query["state"]) == (error, "s")
    assert query["iss"] == f"{origin}/oauth2/default"
    assert query["error_description"].isascii()
    assert '"' not in query["error_description"]
    assert response.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in response.headers


def test_auth0s_shape_refuses_another_audience(http: httpx.Client, origin: str) -> None:
    query = query_of(ask(http, AUTH0, audience="https://else.example").headers["location"])
    assert (query["error"], query["iss"]) == ("access_denied", f"{origin}/")


def test_auth0s_shape_asks_for_all_scopes_by_default(http: httpx.Client) -> None:
    page = ask(http, AUTH0, scope=None)
    assert Form(page.text).ticked == ["scope.parts_manager", "scope.batch:upload"]


@pytest.mark.parametrize("state", ["x" * 4097, "a\r\nSet-Cookie: a=b", "\x7f"])
def test_state_that_cannot_be_returned_is_refused_without_it(
    http: httpx.Client, state: str
) -> None:
    response = ask(http, state=state)
    query = query_of(response.headers["location"])
    assert query["error"] == "invalid_request"
    assert "state" not in query
    assert "set-cookie" not in response.headers


def test_repeated_state_is_refused_without_it(http: httpx.Client) -> None:
    query = query_of(ask(http, OKTA, "&state=t").headers["location"])
    assert query["error"] == "invalid_request"
    assert "state" not in query


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://evil.example/",
        f"{CALLBACK}/",
        f"{CALLBACK}/../evil",
        f"{CALLBACK}?a=b",
        f"{CALLBACK}#",
        f"{CALLBACK}#fragment",
        CALLBACK.upper(),
        CALLBACK.replace("http:", "https:"),
        CALLBACK.replace("localhost", "LOCALHOST"),
        CALLBACK.replace("localhost", "localhost."),
        CALLBACK.replace("localhost", "localhost@evil.example"),
        CALLBACK.replace("localhost", "evil.example#@localhost"),
        CALLBACK.replace("localhost", "localhost.evil.example"),
        CALLBACK.replace("localhost", "127.0.0.1"),
        CALLBACK.replace(":3000", ""),
        CALLBACK.replace(":3000", ":03000"),
        CALLBACK.replace(":3000", ":3001"),
        CALLBACK.replace("/docs", "//docs"),
        CALLBACK.replace("/docs", "/%64ocs"),
        CALLBACK.replace("/docs", "/x/../docs"),
        CALLBACK.replace("/docs", "\\docs"),
        f" {CALLBACK}",
        f"{CALLBACK} ",
        f"{CALLBACK}\n",
        f"{CALLBACK}\r\nLocation: https://evil.example",
        "//localhost:3000/docs/oauth2-redirect",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://127.0.0.1/callback",
        ATTACK,
        "",
        "é",
    ],
)
def test_redirect_uri_that_is_not_the_registered_one_is_a_page(
    http: httpx.Client, redirect_uri: str
) -> None:
    response = ask(http, redirect_uri=redirect_uri)
    assert_is_page(response, 400)
    assert "evil" not in response.text


@pytest.mark.parametrize(
    ("redirect_uri", "status"),
    [
        ("http://127.0.0.1/callback", 200),
        ("http://127.0.0.1:1/callback", 200),
        ("http://127.0.0.1:65535/callback", 200),
        ("http://[::1]:8080/callback", 200),
        ("http://127.0.0.1:65536/callback", 400),
        ("http://127.0.0.1:0/callback", 400),
        ("http://127.0.0.1:08/callback", 400),
        ("http://127.0.0.1:/callback", 400),
        ("http://127.0.0.1:8080", 400),
        ("http://127.0.0.1:8080/", 400),
        ("http://127.0.0.1:8080/callback/", 400),
        ("http://127.0.0.1:8080/callback?a", 400),
        ("http://127.0.0.1:8080@evil.example/callback", 400),
        ("http://127.0.0.1.evil.example/callback", 400),
        ("http://127.0.0.1:8080\n/callback", 400),
        ("http://127.0.0.2:8080/callback", 400),
        ("http://localhost:8080/callback", 400),
        ("http://[::1]/callback2", 400),
        ("https://127.0.0.1:8080/callback", 400),
        ("http://127.0.0.1:\u0661/callback", 400),
    ],
)
def test_redirect_uri_of_a_program_may_have_any_port(
    http: httpx.Client, redirect_uri: str, status: int
) -> None:
    assert_is_page(ask(http, client_id="client", redirect_uri=redirect_uri), status)


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
@pytest.mark.parametrize("shape", SHAPES)
def test_missing_repeated_or_unknown_client_is_a_page(
    http: httpx.Client, shape: Shape, name: str
) -> None:
    assert_is_page(ask(http, shape, "", **{name: None}), 400)
    assert_is_page(ask(http, shape, "", **{name: ATTACK}), 400)
    repeated = f"&{name}={quote(request_with()[name])}"
    assert_is_page(ask(http, shape, extra=repeated), 400)


def test_parameters_that_are_not_utf_8_are_a_page(http: httpx.Client) -> None:
    assert_is_page(ask(http, OKTA, "&x=%FF"), 400)


def test_request_may_be_a_form(http: httpx.Client) -> None:
    assert_is_page(http.post(OKTA.authorize, data=request_with()), 200)
    assert_is_page(http.post(f"{OKTA.authorize}?a=b", data=request_with()), 400)
    assert_is_page(http.post(OKTA.authorize, json=request_with()), 400)


@pytest.mark.parametrize("wish", ["display", "ui_locales", "claims_locales", "acr_values", "other"])
def test_wishes_and_unknown_parameters_have_no_effect(http: httpx.Client, wish: str) -> None:
    assert_is_page(ask(http, OKTA, **{wish: ATTACK}), 200)


@pytest.mark.parametrize("prompt", ["login", "consent", "select_account", "login consent"])
def test_prompt_that_asks_the_user_is_fulfilled(http: httpx.Client, prompt: str) -> None:
    assert_is_page(ask(http, prompt=prompt, max_age="0"), 200)


def test_consent_page_escapes_what_it_shows(http: httpx.Client) -> None:
    page = ask(http, OKTA, state=ATTACK, nonce=ATTACK, login_hint=ATTACK)
    assert_is_page(page, 200)
    assert "alert" not in page.text
    assert "The <docs> page asks for access" in unescape(page.text)
    assert "<docs>" not in page.text
    assert "<manager>" not in page.text
    assert "Change &amp; read parts" in page.text
    assert CALLBACK in page.text


def test_consent_page_lets_its_form_be_redirected_to_the_client_only(http: httpx.Client) -> None:
    def targets(**changes: str) -> str:
        policy: str = ask(http, OKTA, **changes).headers["content-security-policy"]
        return policy.partition("form-action ")[2].partition(";")[0]

    assert targets() == "'self' http://localhost:3000"
    program = {"client_id": "client"}
    assert targets(**program, redirect_uri="http://127.0.0.1:1/callback").endswith(":1")
    # CSP has no source for an IPv6 address.
    assert targets(**program, redirect_uri="http://[::1]:1/callback") == "'self' http:"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:3001", "localhost.evil", "[::1", ""]
)
@pytest.mark.parametrize("path", [OKTA.authorize, "/authorize", "/activate"])
def test_name_of_another_host_is_refused(http: httpx.Client, host: str, path: str) -> None:
    assert_is_page(http.get(path, params=request_with(), headers={"Host": host}), 403)


_NAMES = st.sampled_from(
    [
        *request_with(),
        *("nonce", "prompt", "max_age", "resource", "audience", "response_mode", "login_hint"),
        *("request", "user_code", "form", "decision", "user", "scope.a"),
    ]
)
_VALUES = st.sampled_from([*request_with().values(), "allow", "ada", "none", "1"]) | st.text()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.sampled_from(
        [
            *(OKTA.authorize, AUTH0.authorize, "/activate", "/consent"),
            *("/oauth2/default/v1/activate", "/oauth2/default/v1/consent"),
            *("/oauth/device/code", "/oauth2/default/v1/device/authorize", "/userinfo"),
            *(OKTA.token, AUTH0.token),
        ]
    ),
    method=st.sampled_from(["GET", "POST"]),
    is_changed=st.booleans(),
    pairs=st.lists(st.tuples(_NAMES | st.text(max_size=5), _VALUES), max_size=6),
    cookie=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=50),
)
def test_no_request_of_a_browser_fails(
    http: httpx.Client,
    *,
    path: str,
    method: str,
    is_changed: bool,
    pairs: list[tuple[str, str]],
    cookie: str,
) -> None:
    valid = list(request_with().items()) if is_changed else []
    encoded = urlencode([(n.encode("utf-8", "replace"), v) for n, v in [*valid, *pairs]])
    headers = {"Cookie": f"encore-issuer={cookie}"} if cookie else {}
    if method == "GET":
        response = http.get(f"{path}?{encoded}", headers=headers)
    else:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        response = http.post(path, content=encoded, headers=headers)
    assert response.status_code in {200, 302, 303, 400, 401, 403, 405, 429}
    if "location" in response.headers:
        assert response.headers["location"].startswith(f"{CALLBACK}?")
