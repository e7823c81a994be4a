"""One client may have half of all requests under way; others are served meanwhile."""

import asyncio
from collections.abc import Callable

import httpx

from encore.http.access import authenticated, public
from encore.http.application import Application
from tests.faults.slow_service import NamedClient
from tests.fixtures.problems import assert_problem

MOST = 6
SHARE = 3


def test_one_client_may_have_half_of_the_requests_under_way_and_leaves_the_rest_to_others() -> None:
    app = Application(access={}, log_requests=False, openapi_url=None, max_concurrent_requests=MOST)
    app.add_middleware(NamedClient)
    release = asyncio.Event()

    @app.get("/wait")
    @authenticated
    async def wait() -> None:
        await release.wait()

    @app.get("/open")
    @public
    async def open_to_all() -> None:
        return None

    async def scenario(get: Callable[..., asyncio.Task[httpx.Response]]) -> None:
        held = [get("/wait", "greedy") for _ in range(SHARE)]
        await _start(held)
        refused = await get("/wait", "greedy")
        message = "Too many requests of this client are being handled; try again later"
        assert_problem(refused, 503, "service-unavailable", message)
        assert refused.headers["retry-after"] == "1"
        assert (await get("/open", "greedy")).status_code == httpx.codes.OK
        modest = [get("/wait", "modest") for _ in range(MOST - SHARE)]
        await _start(modest)
        full = await get("/open", "third")
        assert full.json()["message"] == "Too many requests are being handled; try again later"
        release.set()
        answers = await asyncio.gather(*held, *modest)
        assert {answer.status_code for answer in answers} == {httpx.codes.OK}
        assert not app.in_progress

    async def run() -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            await scenario(
                lambda path, name: asyncio.create_task(client.get(path, headers={"X-Client": name}))
            )

    asyncio.run(run())


async def _start(requests: list[asyncio.Task[httpx.Response]]) -> None:
    """Let requests come to where they wait."""
    await asyncio.sleep(0.1)
    assert not any(request.done() for request in requests)
