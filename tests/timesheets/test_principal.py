"""Who calls: which claim names a person, in Okta's and in Auth0's tokens, and the day's limit."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.resources.timesheets.principal import PrincipalResolver
from encore.errors import Forbidden
from encore.http.request_state import RequestState
from tests.fixtures.problems import assert_problem
from tests.fixtures.system import System, start_system
from tests.timesheets.conftest import CLIENT, SCOPES, Office, made, messages

EMAIL = "https://api.exampleco.com/email"
AUTH0 = "/oauth/token"
OKTA = "/oauth2/default/v1/token"
JANE = {"grant_type": "password", "username": "jane@example.com", "password": "any"}


@pytest.fixture(scope="module")
def by_email(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A system that knows persons by the claim of Auth0's sample, and whose days are short."""
    system: System = start_system(
        tmp_path_factory.mktemp("by-email"),
        LOG_LEVEL="warning",
        USER_CLAIM=EMAIL,
        MAX_HOURS_PER_DAY="10",
    )
    office = Office(system)
    yield office
    office.close()
    system.stop()


@pytest.mark.processes
def test_auth0s_token_names_the_person_by_the_namespaced_claim(by_email: Office) -> None:
    jane = by_email.with_token(by_email.token(AUTH0, **JANE, scope=SCOPES))
    entry = made(jane, user_id="somebody else")
    assert (entry["user_id"], entry["created_by"]) == ("jane@example.com", "jane@example.com")


@pytest.mark.processes
def test_a_persons_token_without_the_claim_is_refused(by_email: Office) -> None:
    jane = by_email.with_token(by_email.token(OKTA, **JANE, scope=SCOPES))
    number = made(by_email.machine(), project="Claimless", hours=1)["id"]
    text = f"The token does not identify a user: its claim {EMAIL} is missing"
    for method, path in (
        ("GET", "/timesheets"),
        ("GET", f"/timesheets/{number}"),
        ("GET", f"/timesheets/{number}/history"),
        ("GET", "/timesheets/summary"),
        ("DELETE", f"/timesheets/{number}"),
    ):
        assert_problem(jane.request(method, path), 403, "forbidden", text)
    entry = {"date": "2017-05-10", "user_id": "007", "project": "StoreZero", "hours": 1}
    assert_problem(jane.post("/timesheets", json=entry), 403, "forbidden", text)
    assert_problem(jane.put(f"/approvals/{number}"), 403, "forbidden", text)


@pytest.mark.processes
@pytest.mark.parametrize("path", [OKTA, AUTH0])
def test_a_clients_own_token_needs_no_person_in_either_shape(by_email: Office, path: str) -> None:
    token = by_email.token(path, grant_type="client_credentials", scope=SCOPES)
    machine = by_email.with_token(token)
    project = path.replace("/", "-")
    entry = made(machine, user_id="007", project=project, hours=1)
    assert (entry["user_id"], entry["created_by"]) == ("007", CLIENT)


@pytest.mark.processes
def test_the_operators_say_how_long_a_day_is(by_email: Office) -> None:
    machine = by_email.machine()
    body = {"date": "2018-05-10", "user_id": "007", "project": "StoreZero", "hours": 10.5}
    response = machine.post("/timesheets", json=body)
    assert messages(response) == {"hours": "hours must be at most 10 a day, not 10.5"}
    made(machine, user_id="009", hours=6)
    response = machine.post("/timesheets", json=body | {"user_id": "009", "date": "2017-05-10"})
    assert response.status_code == 400
    made(machine, user_id="009", hours=4)


@pytest.mark.parametrize("name", ["a" * 100, "Зоя", "o'hara; --"])
def test_any_name_of_a_person_is_kept_as_it_is(office: Office, name: str) -> None:
    entry = made(office.person(name))
    assert (entry["user_id"], entry["created_by"]) == (name, name)


@pytest.mark.parametrize(
    ("claims", "client", "user"),
    [
        ({"sub": "job", "cid": "job"}, "job", None),
        ({"sub": "job@clients", "azp": "job"}, "job", None),
        ({"sub": "x", "gty": "client-credentials"}, "job", None),
        ({}, "job", None),
        ({"sub": "jane"}, "job", "jane"),
        ({"sub": "auth0|jane", "gty": "password"}, "job", "auth0|jane"),
        ({"sub": "other@clients"}, "job", "other@clients"),
    ],
    ids=str,
)
def test_a_token_is_a_clients_own_or_a_persons(
    claims: dict[str, str], client: str, user: str | None
) -> None:
    caller = PrincipalResolver("sub").resolve(
        RequestState("a request", claims=claims, client_id=client)
    )
    assert (caller.client, caller.user, caller.name) == (client, user, user or client)


@pytest.mark.parametrize("name", ["", 7, None, ["jane"], "x" * 101], ids=lambda name: str(name)[:9])
def test_what_is_no_name_of_a_person_is_refused(name: Any) -> None:
    state = RequestState("a request", claims={"sub": "jane", "email": name}, client_id="job")
    with pytest.raises(Forbidden, match="email"):
        PrincipalResolver("email").resolve(state)
