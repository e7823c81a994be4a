"""The device flow (RFC 8628): endpoints over HTTP, times by a clock of the test."""

from typing import Any

import httpx
import pytest
from jose import jwt

from encore.issuer.consent import AccessRequest, Approval
from encore.issuer.device.codes import DEVICE_SECONDS, POLL_SECONDS, DeviceCodes, parse_user_code
from encore.issuer.guess_limit import FREE_GUESSES
from encore.issuer.oauth_errors import OAuthError
from encore.issuer.users import User
from tests.fixtures.consent import Form, Person
from tests.fixtures.tokens import ManualClock
from tests.issuer.test_authorization_requests import ATTACK, assert_is_page

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
OKTA = ("/oauth2/default/v1/device/authorize", "/oauth2/default/v1/token")
AUTH0 = ("/oauth/device/code", "/oauth/token")
START = {"client_id": "client", "scope": "openid parts_manager"}


def start(http: httpx.Client, path: str = OKTA[0], **changes: str) -> dict[str, Any]:
    response = http.post(path, data=START | changes)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    content: dict[str, Any] = response.json()
    return content


def poll(http: httpx.Client, code: str, path: str = OKTA[1], **changes: str) -> Any:
    form = {"grant_type": DEVICE_GRANT, "client_id": "client", "device_code": code}
    response = http.post(path, data=form | changes)
    assert response.status_code in (200, 400), response.text
    return response.json()


def decide(device: dict[str, Any], decision: str, user: str = "grace") -> httpx.Response:
    """Follow the link of a device as a user does, to the last page."""
    with Person() as person:
        page = person.open(device["verification_uri_complete"])
        assert Form(page.text).fields["user_code"] == device["user_code"]
        consent = person.send(page)
        assert_is_page(consent, 200)
        return person.send(consent, {"decision": decision, "user": user})


@pytest.mark.parametrize("paths", [OKTA, AUTH0])
def test_allowed_device_gets_tokens_once(http: httpx.Client, paths: tuple[str, str]) -> None:
    device = start(http, paths[0])
    assert (device["expires_in"], device["interval"]) == (600, 5)
    assert_is_page(decide(device, "allow"), 200)
    tokens = poll(http, device["device_code"], paths[1])
    claims = jwt.get_unverified_claims(tokens["access_token"])
    assert claims["sub"].removeprefix("auth0|") == "grace"
    assert jwt.get_unverified_claims(tokens["id_token"])["aud"] == "client"
    assert poll(http, device["device_code"], paths[1])["error"] == "invalid_grant"


def test_device_waits_is_slowed_down_and_denied(http: httpx.Client) -> None:
    device = start(http)
    assert poll(http, device["device_code"])["error"] == "authorization_pending"
    assert poll(http, device["device_code"])["error"] == "slow_down"
    other = start(http)
    assert_is_page(decide(other, "deny"), 200)
    assert poll(http, other["device_code"])["error"] == "access_denied"
    assert poll(http, other["device_code"])["error"] == "invalid_grant"


def test_confidential_client_may_use_the_device_flow(
    http: httpx.Client, basic: tuple[str, str]
) -> None:
    response = http.post(OKTA[0], data={"scope": "parts_manager"}, auth=basic)
    assert response.status_code == 200
    code = response.json()["device_code"]
    assert poll(http, code)["error"] == "invalid_grant"  # Of another client.
    form = {"grant_type": DEVICE_GRANT, "device_code": code}
    assert http.post(OKTA[1], data=form, auth=basic).json()["error"] == "authorization_pending"


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_id": ""}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": "dev-client"}, 401, "invalid_client"),
        ({"client_id": "docs"}, 400, "unauthorized_client"),
        ({"scope": ""}, 400, "invalid_scope"),
        ({"scope": "unknown"}, 400, "invalid_scope"),
        ({"resource": "https://else.example"}, 400, "invalid_target"),
        ({"audience": "https://else.example"}, 400, "invalid_target"),
    ],
)
def test_invalid_device_request_has_its_error(
    http: httpx.Client, changes: dict[str, str], status: int, error: str
) -> None:
    response = http.post(OKTA[0], data=START | changes)
    assert (response.status_code, response.json()["error"]) == (status, error)


def test_parameters_of_a_device_request_belong_in_the_body(http: httpx.Client) -> None:
    response = http.post(f"{OKTA[0]}?scope=parts_manager", data={"client_id": "client"})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"device_code": ""}, "invalid_request"),
        ({"device_code": "unknown"}, "invalid_grant"),
        ({"token_format": "xml"}, "invalid_request"),
        ({"resource": "https://else.example"}, "invalid_target"),
    ],
)
def test_invalid_token_request_of_a_device_has_its_error(
    http: httpx.Client, changes: dict[str, str], error: str
) -> None:
    assert poll(http, "x", **changes)["error"] == error


def test_device_code_is_for_the_resource_that_was_asked_for(http: httpx.Client) -> None:
    device = start(http, AUTH0[0], audience="api://default")
    decide(device, "allow")
    other = poll(http, device["device_code"], AUTH0[1], audience="https://api.example")
    assert other["error"] == "invalid_target"


@pytest.mark.parametrize(
    "query", ["", "?user_code=BCDF-GHJK", "?user_code=x", "?user_code=a&user_code=b", "?other=1"]
)
def test_code_page_fills_in_a_single_well_formed_code(http: httpx.Client, query: str) -> None:
    page = http.get(f"/activate{query}")
    assert_is_page(page, 200)
    expected = "BCDF-GHJK" if "BCDF" in query else ""
    assert Form(page.text).fields["user_code"] == expected


def test_code_page_refuses_forms_of_other_sites(http: httpx.Client) -> None:
    headers = {"Origin": "https://evil.example"}
    response = http.post("/activate", data={"user_code": "BCDF-GHJK"}, headers=headers)
    assert_is_page(response, 403)


def test_guesses_of_user_codes_are_limited(start_issuer: Any) -> None:
    _, port = start_issuer()
    url = f"http://localhost:{port}"
    with Person() as person, httpx.Client(base_url=url, trust_env=False) as http:
        device = start(http, AUTH0[0])
        page = person.open(f"{url}/activate")
        wrong = [ATTACK, "", "0000-0000", "é"] + ["BCDF-GHJK"] * (FREE_GUESSES - 4)
        for code in wrong:
            # Right ones between them do not make more guesses possible.
            own = start(http, AUTH0[0])["user_code"]
            assert_is_page(person.send(page, {"user_code": own}), 200)
            again = person.send(page, {"user_code": code})
            assert_is_page(again, 400)
            assert "alert" not in again.text
        right = person.send(page, {"user_code": device["user_code"]})
        assert_is_page(right, 429)
        assert int(right.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("bcdfghjk", "BCDF-GHJK"),
        (" bcdf ghjk ", "BCDF-GHJK"),
        ("B-C-D-F-G-H-J-K", "BCDF-GHJK"),
        ("BCDF_GHJK.", "BCDF-GHJK"),
        ("BCDFGHJ", None),
        ("BCDFGHJKL", None),
        ("ABCD-EFGH", None),
        ("\u017fcdfghjk", None),
    ],
)
def test_user_code_may_be_typed_in_any_case_and_with_any_hyphens(
    typed: str, code: str | None
) -> None:
    assert parse_user_code(typed) == code


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(0.0)


@pytest.fixture
def codes(clock: ManualClock) -> DeviceCodes:
    return DeviceCodes(clock)


ACCESS = AccessRequest(client_id="c", client_name="C", scopes=("a",), audience="api")
APPROVAL = Approval(User(name="ada"), ("a",), 0)


def error_of(codes: DeviceCodes, device_code: str) -> str:
    with pytest.raises(OAuthError) as raised:
        codes.redeem(device_code, "c")
    return raised.value.code


def test_early_polls_lengthen_the_interval(codes: DeviceCodes, clock: ManualClock) -> None:
    device_code, _ = codes.add(ACCESS)
    assert error_of(codes, device_code) == "authorization_pending"
    clock.now += POLL_SECONDS - 0.1
    assert error_of(codes, device_code) == "slow_down"
    clock.now += 2 * POLL_SECONDS - 0.1
    assert error_of(codes, device_code) == "slow_down"
    clock.now += 3 * POLL_SECONDS
    assert error_of(codes, device_code) == "authorization_pending"


def test_codes_expire(codes: DeviceCodes, clock: ManualClock) -> None:
    device_code, user_code = codes.add(ACCESS)
    clock.now += DEVICE_SECONDS - 1
    assert codes.find_by_user_code(user_code) is not None
    clock.now += 1
    assert codes.find_by_user_code(user_code) is None
    assert error_of(codes, device_code) == "expired_token"
    clock.now += DEVICE_SECONDS
    assert error_of(codes, device_code) == "invalid_grant"


def test_decided_user_code_cannot_be_used_again(codes: DeviceCodes) -> None:
    device_code, user_code = codes.add(ACCESS)
    pending = codes.find_by_user_code(user_code)
    assert pending is not None
    pending.decide(APPROVAL)
    assert codes.find_by_user_code(user_code) is None
    assert codes.redeem(device_code, "c") == (ACCESS, APPROVAL)
    assert error_of(codes, device_code) == "invalid_grant"


def test_two_pages_for_one_code_decide_once(http: httpx.Client) -> None:
    device = start(http)
    with Person() as first, Person() as second:
        pages = [
            person.send(person.open(device["verification_uri_complete"]))
            for person in (first, second)
        ]
        assert_is_page(first.send(pages[0], {"decision": "deny"}), 200)
        assert_is_page(second.send(pages[1], {"decision": "allow"}), 400)
    assert poll(http, device["device_code"])["error"] == "access_denied"
