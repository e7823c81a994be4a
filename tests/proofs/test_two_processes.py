"""Two servers over one database, as two workers or two hosts are."""

import asyncio

import pytest

from tests.proofs.servers import ServerPair

pytestmark = pytest.mark.processes


def test_row_of_one_server_is_read_by_the_other(servers: ServerPair) -> None:
    async def run() -> None:
        first, second = (server.connect("reader") for server in servers.both)
        created = await first.request("POST", "/notes", {"value": "shared"})
        assert created.status == 201, created.body
        read = await second.request("GET", f"/notes/{created.json()['id']}")
        assert read.json() == created.json()
        response = await first.request("POST", "/counters", {"value": "shared"})
        assert response.status == 201, response.body
        path = f"/counters/{response.json()['id']}"
        response = await second.request("POST", f"{path}/increment", {})
        assert response.status == 200, response.body
        assert response.json()["total"] == 1
        response = await first.request("POST", "/labels", {"name": "a b", "value": "v"})
        assert response.json()["shouted"] == "V"
        first.close()
        second.close()

    asyncio.run(run())
