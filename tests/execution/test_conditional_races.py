"""Two writers with one tag: exactly one of them writes, on each database."""

import asyncio

import pytest

from tests.fixtures.library import Api
from tests.fixtures.library_models import User

TRIES = 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_two_writers_with_one_tag_do_not_both_write(api: Api, method: str) -> None:
    api.crud.resource(User)
    tries = TRIES if method == "PUT" else TRIES // 10

    async def race(number: int) -> list[int]:
        created = await api.call("POST", "/users", json={"firstName": "A", "age": number})
        path, tag = f"/users/{created.json()['id']}", created.headers["etag"]
        bodies = ({"json": {"age": n}} if method == "PUT" else {} for n in (1_000, 2_000))
        headers = {"If-Match": tag}
        responses = await asyncio.gather(
            *(api.call(method, path, headers=headers, **body) for body in bodies)
        )
        return sorted(response.status_code for response in responses)

    async def run() -> set[tuple[int, ...]]:
        return {tuple(await race(number)) for number in range(tries)}

    assert api.run(run()) == {(200, 412 if method == "PUT" else 404)}
