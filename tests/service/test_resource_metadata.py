"""Protected resource metadata (RFC 9728), made from settings and not from request headers."""

import httpx
import pytest

from encore.auth.protected_resource_metadata import metadata_path, metadata_url
from tests.fixtures.gate import RunningGate, StartGate
from tests.fixtures.item_service import SCOPES

RESOURCE = "https://items.example.com"
WELL_KNOWN = "/.well-known/oauth-protected-resource"


@pytest.fixture(scope="module")
def metadata_gate(start_gate: StartGate) -> RunningGate:
    return start_gate(
        RESOURCE_URL=RESOURCE,
        AUTH0_DOMAIN="t.auth0.example",
        AUTH0_AUDIENCE="a",
        AUTH0_STRIP_PREFIX="auth0|",
    )


def test_metadata_is_public_and_names_the_authorization_servers(metadata_gate: RunningGate) -> None:
    response = httpx.get(f"{metadata_gate.url}{WELL_KNOWN}", headers={"Host": "evil.example"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "resource": RESOURCE,
        "resource_name": "Items",
        "authorization_servers": [metadata_gate.issuer.issuer, "https://t.auth0.example/"],
        "scopes_supported": sorted(SCOPES),
        "bearer_methods_supported": ["header"],
    }


@pytest.mark.parametrize(
    ("authorization", "status", "challenge"),
    [
        (None, 401, "Bearer "),
        ("Bearer asdf", 401, 'Bearer error="invalid_token", '),
        ("Bearer a b", 400, 'Bearer error="invalid_request", '),
    ],
)
def test_challenge_contains_the_metadata_url_for_any_host_header(
    metadata_gate: RunningGate, authorization: str | None, status: int, challenge: str
) -> None:
    headers = {"Host": "evil.example"}
    if authorization is not None:
        headers["Authorization"] = authorization
    response = httpx.get(f"{metadata_gate.url}/items", headers=headers)
    assert response.status_code == status
    assert response.headers.get_list("www-authenticate") == [
        f'{challenge}resource_metadata="{RESOURCE}{WELL_KNOWN}"'
    ]


def test_challenge_of_the_root_contains_the_metadata_url(metadata_gate: RunningGate) -> None:
    response = httpx.get(metadata_gate.url)
    assert response.status_code == 401
    assert response.headers.get_list("www-authenticate") == [
        f'Bearer resource_metadata="{RESOURCE}{WELL_KNOWN}"'
    ]


def test_challenge_of_a_403_contains_the_metadata_url(metadata_gate: RunningGate) -> None:
    response = httpx.get(f"{metadata_gate.url}/items", headers=metadata_gate.bearer(scp=["x"]))
    assert response.headers["www-authenticate"].endswith(
        f', resource_metadata="{RESOURCE}{WELL_KNOWN}"'
    )


def test_service_without_resource_url_has_no_metadata(gate: RunningGate) -> None:
    response = httpx.get(f"{gate.url}{WELL_KNOWN}")
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert httpx.get(f"{gate.url}{WELL_KNOWN}", headers=gate.bearer()).status_code == 404


def test_metadata_path_ends_with_the_path_of_the_resource() -> None:
    assert metadata_path("https://x.example") == WELL_KNOWN
    assert metadata_path("https://x.example/") == WELL_KNOWN
    assert metadata_path("https://x.example/v1/items") == f"{WELL_KNOWN}/v1/items"
    assert metadata_url("https://x.example:8/v1") == f"https://x.example:8{WELL_KNOWN}/v1"
