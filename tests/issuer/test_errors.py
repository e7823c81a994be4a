"""Errors of the token endpoint (RFC 6749 section 5.2): a table of cases, and hypothesis."""

import base64
import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

OKTA = "/oauth2/default/v1/token"
AUTH0 = "/oauth/token"
FORM = "application/x-www-form-urlencoded"
VALID_FORM = "grant_type=client_credentials&scope=a"
PASSWORD_GRANT = "grant_type=password"
BODY_CREDENTIALS = "&client_id=dev-client&client_secret=dev%2Bsecret%2Fwith%3Asigns"


def basic_header(credentials: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(credentials).decode()}


VALID_BASIC = basic_header(b"dev-client:dev+secret/with:signs")


def assert_token_error(response: httpx.Response, status: int, code: str) -> None:
    assert (response.status_code, response.json()["error"]) == (status, code)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"
    assert ("www-authenticate" in response.headers) == (status == 401)
    description = response.json()["error_description"]
    assert description.isascii()
    assert '"' not in description
    assert "dev+secret" not in response.text


@pytest.mark.parametrize(
    ("query", "body", "headers", "status", "code"),
    [
        ("", "scope=a", VALID_BASIC, 400, "invalid_request"),
        ("", "grant_type=&scope=a", VALID_BASIC, 400, "invalid_request"),
        ("", "grant_type=implicit&scope=a", VALID_BASIC, 400, "unsupported_grant_type"),
        ("", f"{PASSWORD_GRANT}&scope=a", VALID_BASIC, 400, "invalid_request"),
        ("", f"{PASSWORD_GRANT}&username=a&scope=a", VALID_BASIC, 400, "invalid_request"),
        ("", f"{PASSWORD_GRANT}&username=a&password=&scope=a", VALID_BASIC, 400, "invalid_request"),
        (
            "",
            f"{PASSWORD_GRANT}&username={'a' * 101}&password=b&scope=a",
            VALID_BASIC,
            400,
            "invalid_request",
        ),
        (
            "",
            f"{PASSWORD_GRANT}&username=+a&password=b&scope=a",
            VALID_BASIC,
            400,
            "invalid_request",
        ),
        (
            "",
            f"{PASSWORD_GRANT}&username=%E2%80%A8&password=b&scope=a",
            VALID_BASIC,
            400,
            "invalid_request",
        ),
        (
            "",
            f"{PASSWORD_GRANT}&username=dev-client&password=b&scope=a",
            VALID_BASIC,
            400,
            "invalid_grant",
        ),
        ("password=b", f"{PASSWORD_GRANT}&username=a&scope=a", VALID_BASIC, 400, "invalid_request"),
        ("", f"{PASSWORD_GRANT}&username=a&password=b&scope=a", {}, 401, "invalid_client"),
        ("", "grant_type=client_credentials", VALID_BASIC, 400, "invalid_scope"),
        ("", "grant_type=client_credentials&scope=", VALID_BASIC, 400, "invalid_scope"),
        ("", "grant_type=client_credentials&scope=a++b", VALID_BASIC, 400, "invalid_scope"),
        ("", "grant_type=client_credentials&scope=%22", VALID_BASIC, 400, "invalid_scope"),
        ("", "grant_type=client_credentials&scope=%C3%A9", VALID_BASIC, 400, "invalid_scope"),
        (
            "",
            f"grant_type=client_credentials&scope={'a' * 5000}",
            VALID_BASIC,
            400,
            "invalid_scope",
        ),
        ("", f"{VALID_FORM}&scope=b", VALID_BASIC, 400, "invalid_request"),
        ("scope=a", VALID_FORM, VALID_BASIC, 400, "invalid_request"),
        ("scope=a&scope=a", "grant_type=client_credentials", VALID_BASIC, 400, "invalid_request"),
        ("", f"{VALID_FORM}&x=%00", VALID_BASIC, 400, "invalid_request"),
        ("", f"{VALID_FORM}&x=%FF", VALID_BASIC, 400, "invalid_request"),
        (
            "",
            f"{VALID_FORM}&" + "&".join(f"p{n}=1" for n in range(200)),
            VALID_BASIC,
            400,
            "invalid_request",
        ),
        ("client_id=dev-client", VALID_FORM, VALID_BASIC, 400, "invalid_request"),
        ("client_id=a&client_secret=b", VALID_FORM, {}, 400, "invalid_request"),
        ("", VALID_FORM + BODY_CREDENTIALS, VALID_BASIC, 400, "invalid_request"),
        ("", f"{VALID_FORM}&client_id=other", VALID_BASIC, 400, "invalid_request"),
        ("", VALID_FORM, {}, 401, "invalid_client"),
        ("", f"{VALID_FORM}&client_id=dev-client", {}, 401, "invalid_client"),
        ("", f"{VALID_FORM}&client_id=dev-client&client_secret=x", {}, 401, "invalid_client"),
        ("", VALID_FORM, basic_header(b"dev-client:wrong"), 401, "invalid_client"),
        ("", VALID_FORM, basic_header(b"nobody:wrong"), 401, "invalid_client"),
        ("", VALID_FORM, basic_header(b"no colon"), 401, "invalid_client"),
        ("", VALID_FORM, basic_header(b"\xff\xfe:\xff"), 401, "invalid_client"),
        ("", VALID_FORM, basic_header(b"dev-client:"), 401, "invalid_client"),
        ("", VALID_FORM, basic_header(b"\0:\0"), 401, "invalid_client"),
        ("", VALID_FORM, {"Authorization": "Basic !!!"}, 401, "invalid_client"),
        ("", VALID_FORM, {"Authorization": "Basic"}, 401, "invalid_client"),
        ("", VALID_FORM, {"Authorization": "Bearer abc"}, 401, "invalid_client"),
        (
            "",
            VALID_FORM,
            VALID_BASIC | {"Content-Type": "application/json"},
            400,
            "invalid_request",
        ),
        ("", VALID_FORM, VALID_BASIC | {"Content-Type": "text/plain"}, 400, "invalid_request"),
        ("", "x" * 70_000, VALID_BASIC, 413, "invalid_request"),
    ],
)
def test_invalid_form_has_its_error_code(
    http: httpx.Client, *, query: str, body: str, headers: dict[str, str], status: int, code: str
) -> None:
    response = http.post(
        f"{OKTA}?{query}" if query else OKTA,
        content=body.encode(),
        headers={"Content-Type": FORM} | headers,
    )
    assert_token_error(response, status, code)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "invalid_request"),
        ("", 401, "invalid_client"),
        ("[]", 400, "invalid_request"),
        ("null", 400, "invalid_request"),
        ("7", 400, "invalid_request"),
        ('[["grant_type","client_credentials"]]', 400, "invalid_request"),
        ('{"grant_type":7}', 400, "invalid_request"),
        ('{"scope":["a"]}', 400, "invalid_request"),
        ('{"scope":{"a":"b"}}', 400, "invalid_request"),
        ('{"scope":null}', 400, "invalid_request"),
        ('{"scope":true}', 400, "invalid_request"),
        ('{"scope":NaN}', 400, "invalid_request"),
        ('{"scope":' + "9" * 5000 + "}", 400, "invalid_request"),
        ('{"scope":"a","scope":"a"}', 400, "invalid_request"),
        ('{"scope":"\\u0000"}', 400, "invalid_request"),
        ('{"client_id":"\\ud800","client_secret":"\\ud800"}', 401, "invalid_client"),
        ('{"a":' * 5000, 400, "invalid_request"),
        ("[" * 60_000, 400, "invalid_request"),
        ('{"client_id":"dev-client","client_secret":"x"}', 401, "invalid_client"),
    ],
)
def test_invalid_json_body_has_its_error_code(
    http: httpx.Client, body: str, status: int, code: str
) -> None:
    response = http.post(AUTH0, content=body, headers={"Content-Type": "application/json"})
    assert_token_error(response, status, code)


def test_unknown_audience_is_access_denied(http: httpx.Client, basic: tuple[str, str]) -> None:
    request = {"grant_type": "client_credentials", "audience": "https://else.example"}
    assert_token_error(http.post(AUTH0, json=request, auth=basic), 403, "access_denied")


def test_unknown_client_and_wrong_secret_have_the_same_response(http: httpx.Client) -> None:
    responses = [
        http.post(OKTA, data={"grant_type": "client_credentials", "scope": "a"}, auth=auth)
        for auth in (("nobody", "x"), ("dev-client", "x"))
    ]
    assert len({(response.status_code, response.text) for response in responses}) == 1


def test_two_authorization_headers_are_400(http: httpx.Client) -> None:
    headers = [("Authorization", VALID_BASIC["Authorization"])] * 2
    assert_token_error(http.post(OKTA, headers=headers, params=VALID_FORM), 400, "invalid_request")


def test_chunked_body_over_the_limit_is_413(http: httpx.Client) -> None:
    response = http.post(OKTA, content=(b"x" * 1000 for _ in range(70)), headers=VALID_BASIC)
    assert_token_error(response, 413, "invalid_request")


_NAMES = st.sampled_from(
    ["grant_type", "scope", "client_id", "client_secret", "audience", "token", ""]
)
_VALUES = st.one_of(st.sampled_from(["client_credentials", "dev-client", "a"]), st.text())
_PAIRS = st.lists(st.tuples(_NAMES | st.text(max_size=5), _VALUES), max_size=6)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(_NAMES, children, max_size=3),
    max_leaves=8,
)
_CONTENT = st.one_of(
    st.binary(max_size=200),
    _JSON.map(lambda value: json.dumps(value).encode()),
    _PAIRS.map(lambda pairs: str(httpx.QueryParams(_encodable(pairs))).encode()),
)
_HEADERS = st.one_of(
    st.none(),
    st.binary(min_size=1, max_size=40).map(lambda raw: basic_header(raw)["Authorization"].encode()),
    st.just(VALID_BASIC["Authorization"].encode()),
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1).map(str.encode),
)


def _encodable(pairs: list[tuple[str, str]]) -> Any:
    return [(n.encode("utf-8", "replace").decode(), v) for n, v in pairs]


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.sampled_from(
        [OKTA, AUTH0, "/oauth2/default/v1/introspect", "/oauth2/default/v1/revoke"]
    ),
    query=_PAIRS,
    content=_CONTENT,
    media_type=st.sampled_from([FORM, "application/json", "text/plain", "", "a/b;c=d"]),
    authorization=_HEADERS,
)
def test_no_request_is_answered_with_500(
    http: httpx.Client,
    *,
    path: str,
    query: list[tuple[str, str]],
    content: bytes,
    media_type: str,
    authorization: bytes | None,
) -> None:
    headers = {b"Content-Type": media_type.encode()}
    if authorization is not None:
        headers[b"Authorization"] = authorization
    response = http.post(path, params=_encodable(query), content=content, headers=headers)
    assert response.status_code in {200, 400, 401, 403, 413}
    if response.content:
        assert (
            "access_token" in response.text or "error" in response.text or "active" in response.text
        )
