"""One client may have half of all concurrent requests; other clients are served meanwhile."""

import asyncio
from collections.abc import Callable

import httpx

from encore.http.access import authenticated, public
from encore.http.application import Application
from tests.faults.slow_service import ClientHeaderMiddleware
from tests.fixtures.problems import assert_problem

MAX_REQUESTS = 6
CLIENT_SHARE = 3


def test_client_over_half_of_concurrent_requests_is_503_and_others_are_served() -> None:
    app = Application(
        access={}, log_requests=False, openapi_url=None, max_concurrent_requests=MAX_REQUESTS
    )
    app.add_middleware(ClientHeaderMiddleware)
    release = asyncio.Event()

    @app.get("/wait")
    @authenticated
    async def wait() -> None:
        await release.wait()

    @app.get("/open")
    @public
    async def open_route() -> None:
        return None

    async def scenario(get: Callable[..., asyncio.Task[httpx.Response]]) -> None:
        held = [get("/wait", "greedy") for _ in range(CLIENT_SHARE)]
        await _wait_until_started(held)
        rejected = await get("/wait", "greedy")
        message = "Too many requests of this client are being handled; try again later"
        assert_problem(rejected, 503, "service-unavailable", message)
        assert rejected.headers["retry-after"] == "1"
        assert (await get("/open", "greedy")).status_code == httpx.codes.OK
        modest = [get("/wait", "modest") for _ in range(MAX_REQUESTS - CLIENT_SHARE)]
        await _wait_until_started(modest)
        full = await get("/open", "third")
        assert full.json()["message"] == "Too many requests are being handled; try again later"
        release.set()
        responses = await asyncio.gather(*held, *modest)
        assert {response.status_code for response in responses} == {httpx.codes.OK}
        assert not app.in_progress

    async def run() -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            await scenario(
                lambda path, name: asyncio.create_task(client.get(path, headers={"X-Client": name}))
            )

    asyncio.run(run())


async def _wait_until_started(requests: list[asyncio.Task[httpx.Response]]) -> None:
    """Wait until the requests are in progress."""
    await asyncio.sleep(0.1)
    assert not any(request.done() for request in requests)
