"""The principal of Okta's and Auth0's tokens, and the two settings of timesheets."""

from collections.abc import Iterator

import pytest

from api.resources.timesheets.principal import MAX_NAME, validate_principal
from encore.errors import Forbidden
from encore.http.principal import principal_of
from tests.fixtures.problems import assert_problem
from tests.fixtures.system import System, start_system
from tests.timesheets.conftest import CLIENT, SCOPES, ApiUsers, create_entry, messages

EMAIL = "https://api.exampleco.com/email"
AUTH0 = "/oauth/token"
OKTA = "/oauth2/default/v1/token"
JANE = {"grant_type": "password", "username": "jane@example.com", "password": "any"}


@pytest.fixture(scope="module")
def by_email(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiUsers]:
    """Return users of a system with the user claim of Auth0's sample and days of 10 hours."""
    system: System = start_system(
        tmp_path_factory.mktemp("by-email"),
        LOG_LEVEL="warning",
        USER_CLAIM=EMAIL,
        MAX_HOURS_PER_DAY="10",
    )
    users = ApiUsers(system)
    yield users
    users.close()
    system.stop()


@pytest.mark.processes
def test_namespaced_claim_of_auth0_identifies_the_user(by_email: ApiUsers) -> None:
    jane = by_email.with_token(by_email.token(AUTH0, **JANE, scope=SCOPES))
    entry = create_entry(jane, user_id="somebody else")
    assert (entry["user_id"], entry["created_by"]) == ("jane@example.com", "jane@example.com")


@pytest.mark.processes
def test_user_token_without_the_claim_is_forbidden(by_email: ApiUsers) -> None:
    jane = by_email.with_token(by_email.token(OKTA, **JANE, scope=SCOPES))
    id_ = create_entry(by_email.machine(), project="Claimless", hours=1)["id"]
    message = f"The token does not identify a user: its claim {EMAIL} is missing"
    for method, path in (
        ("GET", "/timesheets"),
        ("GET", f"/timesheets/{id_}"),
        ("GET", f"/timesheets/{id_}/history"),
        ("GET", "/timesheets/summary"),
        ("DELETE", f"/timesheets/{id_}"),
    ):
        assert_problem(jane.request(method, path), 403, "forbidden", message)
    entry = {"date": "2017-05-10", "user_id": "007", "project": "StoreZero", "hours": 1}
    assert_problem(jane.post("/timesheets", json=entry), 403, "forbidden", message)
    assert_problem(jane.put(f"/approvals/{id_}"), 403, "forbidden", message)


@pytest.mark.processes
@pytest.mark.parametrize("path", [OKTA, AUTH0])
def test_client_credentials_token_needs_no_user(by_email: ApiUsers, path: str) -> None:
    token = by_email.token(path, grant_type="client_credentials", scope=SCOPES)
    machine = by_email.with_token(token)
    project = path.replace("/", "-")
    entry = create_entry(machine, user_id="007", project=project, hours=1)
    assert (entry["user_id"], entry["created_by"]) == ("007", CLIENT)


@pytest.mark.processes
def test_max_hours_per_day_is_a_setting(by_email: ApiUsers) -> None:
    machine = by_email.machine()
    body = {"date": "2018-05-10", "user_id": "007", "project": "StoreZero", "hours": 10.5}
    response = machine.post("/timesheets", json=body)
    assert messages(response) == {"hours": "hours must be at most 10 a day, not 10.5"}
    create_entry(machine, user_id="009", hours=6)
    response = machine.post("/timesheets", json=body | {"user_id": "009", "date": "2017-05-10"})
    assert response.status_code == 400
    create_entry(machine, user_id="009", hours=4)


@pytest.mark.parametrize("name", ["a" * 100, "Зоя", "o'hara; --"])
def test_user_name_is_stored_unchanged(users: ApiUsers, name: str) -> None:
    entry = create_entry(users.person(name))
    assert (entry["user_id"], entry["created_by"]) == (name, name)


def test_too_long_user_name_is_forbidden() -> None:
    principal = principal_of({"sub": "x" * (MAX_NAME + 1), "cid": "job"})
    with pytest.raises(Forbidden, match="longer than 100 characters"):
        validate_principal(principal)
