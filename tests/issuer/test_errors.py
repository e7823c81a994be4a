"""Refusals of token requests: RFC 6749 section 5.2, by table and by hypothesis, never a 500."""

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
GOOD = "grant_type=client_credentials&scope=a"
PERSON = "grant_type=password"
BODY = "&client_id=dev-client&client_secret=dev%2Bsecret%2Fwith%3Asigns"


def basic_header(text: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text).decode()}


RIGHT = basic_header(b"dev-client:dev+secret/with:signs")


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert ("www-authenticate" in answer.headers) == (status == 401)
    description = answer.json()["error_description"]
    assert description.isascii()
    assert '"' not in description
    assert "dev+secret" not in answer.text


@pytest.mark.parametrize(
    ("query", "body", "headers", "status", "code"),
    [
        ("", "scope=a", RIGHT, 400, "invalid_request"),
        ("", "grant_type=&scope=a", RIGHT, 400, "invalid_request"),
        ("", "grant_type=refresh_token&scope=a", RIGHT, 400, "unsupported_grant_type"),
        ("", f"{PERSON}&scope=a", RIGHT, 400, "invalid_request"),
        ("", f"{PERSON}&username=a&scope=a", RIGHT, 400, "invalid_request"),
        ("", f"{PERSON}&username=a&password=&scope=a", RIGHT, 400, "invalid_request"),
        ("", f"{PERSON}&username={'a' * 101}&password=b&scope=a", RIGHT, 400, "invalid_request"),
        ("", f"{PERSON}&username=+a&password=b&scope=a", RIGHT, 400, "invalid_request"),
        ("", f"{PERSON}&username=%E2%80%A8&password=b&scope=a", RIGHT, 400, "invalid_request"),
        ("", f"{PERSON}&username=dev-client&password=b&scope=a", RIGHT, 400, "invalid_grant"),
        ("password=b", f"{PERSON}&username=a&scope=a", RIGHT, 400, "invalid_request"),
        ("", f"{PERSON}&username=a&password=b&scope=a", {}, 401, "invalid_client"),
        ("", "grant_type=client_credentials", RIGHT, 400, "invalid_scope"),
        ("", "grant_type=client_credentials&scope=", RIGHT, 400, "invalid_scope"),
        ("", "grant_type=client_credentials&scope=a++b", RIGHT, 400, "invalid_scope"),
        ("", "grant_type=client_credentials&scope=%22", RIGHT, 400, "invalid_scope"),
        ("", "grant_type=client_credentials&scope=%C3%A9", RIGHT, 400, "invalid_scope"),
        ("", f"grant_type=client_credentials&scope={'a' * 5000}", RIGHT, 400, "invalid_scope"),
        ("", f"{GOOD}&scope=b", RIGHT, 400, "invalid_request"),
        ("scope=a", GOOD, RIGHT, 400, "invalid_request"),
        ("scope=a&scope=a", "grant_type=client_credentials", RIGHT, 400, "invalid_request"),
        ("", f"{GOOD}&x=%00", RIGHT, 400, "invalid_request"),
        ("", f"{GOOD}&x=%FF", RIGHT, 400, "invalid_request"),
        ("", f"{GOOD}&" + "&".join(f"p{n}=1" for n in range(200)), RIGHT, 400, "invalid_request"),
        ("client_id=dev-client", GOOD, RIGHT, 400, "invalid_request"),
        ("client_id=a&client_secret=b", GOOD, {}, 400, "invalid_request"),
        ("", GOOD + BODY, RIGHT, 400, "invalid_request"),
        ("", f"{GOOD}&client_id=other", RIGHT, 400, "invalid_request"),
        ("", GOOD, {}, 401, "invalid_client"),
        ("", f"{GOOD}&client_id=dev-client", {}, 401, "invalid_client"),
        ("", f"{GOOD}&client_id=dev-client&client_secret=x", {}, 401, "invalid_client"),
        ("", GOOD, basic_header(b"dev-client:wrong"), 401, "invalid_client"),
        ("", GOOD, basic_header(b"nobody:wrong"), 401, "invalid_client"),
        ("", GOOD, basic_header(b"no colon"), 401, "invalid_client"),
        ("", GOOD, basic_header(b"\xff\xfe:\xff"), 401, "invalid_client"),
        ("", GOOD, basic_header(b"dev-client:"), 401, "invalid_client"),
        ("", GOOD, basic_header(b"\0:\0"), 401, "invalid_client"),
        ("", GOOD, {"Authorization": "Basic !!!"}, 401, "invalid_client"),
        ("", GOOD, {"Authorization": "Basic"}, 401, "invalid_client"),
        ("", GOOD, {"Authorization": "Bearer abc"}, 401, "invalid_client"),
        ("", GOOD, RIGHT | {"Content-Type": "application/json"}, 400, "invalid_request"),
        ("", GOOD, RIGHT | {"Content-Type": "text/plain"}, 400, "invalid_request"),
        ("", "x" * 70_000, RIGHT, 413, "invalid_request"),
    ],
)
def test_a_bad_form_is_refused_with_its_code(
    http: httpx.Client, *, query: str, body: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = http.post(
        f"{OKTA}?{query}" if query else OKTA,
        content=body.encode(),
        headers={"Content-Type": FORM} | headers,
    )
    assert_refused(answer, status, code)


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
def test_a_bad_json_body_is_refused_with_its_code(
    http: httpx.Client, body: str, status: int, code: str
) -> None:
    answer = http.post(AUTH0, content=body, headers={"Content-Type": "application/json"})
    assert_refused(answer, status, code)


def test_an_audience_that_is_not_this_issuer_s_is_denied_as_auth0_denies_it(
    http: httpx.Client, basic: tuple[str, str]
) -> None:
    request = {"grant_type": "client_credentials", "audience": "https://else.example"}
    assert_refused(http.post(AUTH0, json=request, auth=basic), 403, "access_denied")


def test_unknown_client_and_wrong_secret_answer_alike(http: httpx.Client) -> None:
    answers = [
        http.post(OKTA, data={"grant_type": "client_credentials", "scope": "a"}, auth=auth)
        for auth in (("nobody", "x"), ("dev-client", "x"))
    ]
    assert len({(a.status_code, a.text) for a in answers}) == 1


def test_two_authorization_headers_are_refused(http: httpx.Client) -> None:
    headers = [("Authorization", RIGHT["Authorization"])] * 2
    assert_refused(http.post(OKTA, headers=headers, params=GOOD), 400, "invalid_request")


def test_a_chunked_body_is_capped_too(http: httpx.Client) -> None:
    answer = http.post(OKTA, content=(b"x" * 1000 for _ in range(70)), headers=RIGHT)
    assert_refused(answer, 413, "invalid_request")


_NAMES = st.sampled_from(
    ["grant_type", "scope", "client_id", "client_secret", "audience", "token", ""]
)
_VALUES = st.one_of(st.sampled_from(["client_credentials", "dev-client", "a"]), st.text())
_PAIRS = st.lists(st.tuples(_NAMES | st.text(max_size=5), _VALUES), max_size=6)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
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
    st.just(RIGHT["Authorization"].encode()),
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
def test_no_request_at_all_is_answered_with_a_500(
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
    answer = http.post(path, params=_encodable(query), content=content, headers=headers)
    assert answer.status_code in {200, 400, 401, 403, 413}
    if answer.content:
        assert "access_token" in answer.text or "error" in answer.text or "active" in answer.text
