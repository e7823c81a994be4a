"""Upserts and PUTs of one missing row through two services at once, which share a database."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.fixtures.library import Api
from tests.fixtures.library_models import User

ROUNDS = 20
REQUESTS = {
    "put": ("PUT", "/users/{n}"),
    "merge": ("POST", "/users?on_conflict=merge&on=email"),
    "ignore": ("POST", "/users?on_conflict=ignore&on=email"),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_one_service_creates_the_row_and_the_other_finds_it(api: Api, kind: str) -> None:
    other = Api(api.url)
    for service in (api, other):
        service.crud.resource(User, upsert=True, put_creates=True)
    method, path = REQUESTS[kind]
    barrier = Barrier(2)

    def send_all(service: Api) -> list[int]:
        statuses = []
        for number in range(1, ROUNDS + 1):
            body = {"firstName": "a", "email": f"e{number}"}
            barrier.wait(timeout=30)
            response = service.request(method, path.format(n=number), json=body)
            statuses.append(response.status_code)
        return statuses

    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(send_all, (api, other)))
    other.close()
    assert [sorted(pair) for pair in zip(*both, strict=True)] == [[200, 201]] * ROUNDS
    assert len(api.rows(User)) == ROUNDS
