"""Clients that retry with idempotency keys, while connections are cut and the server is killed.

Every request is carried out exactly once, and repeated requests get the same bytes. 10
interruptions on each database in the suite; 500 by ``make proofs``.
"""

import asyncio
import logging
import random
from dataclasses import dataclass

import pytest

from tests.proofs.cutting_proxy import CuttingProxy
from tests.proofs.full import amount
from tests.proofs.retries import RetryingClient
from tests.proofs.servers import Server

_log = logging.getLogger("proofs")

pytestmark = pytest.mark.processes

INTERRUPTIONS = amount(10, 500)
KILLS = amount(2, 200)
"""How many of the interruptions kill the server; the others cut a connection."""
CLIENTS = 6
CUT_SHARE = 0.25
SECONDS_BETWEEN_KILLS = 0.4


@dataclass
class Interruptions:
    """What interrupts the clients, and when it is enough."""

    server: Server
    proxy: CuttingProxy
    kills: int = 0

    @property
    def is_enough(self) -> bool:
        """Whether all interruptions have happened."""
        return self.kills >= KILLS and self.kills + self.proxy.cuts >= INTERRUPTIONS

    async def kill_repeatedly(self, rng: random.Random) -> None:
        """Kill the server at random times, and start it again."""
        for _ in range(KILLS):
            await asyncio.sleep(rng.random() * SECONDS_BETWEEN_KILLS)
            await asyncio.to_thread(self.server.kill)
            await asyncio.to_thread(self.server.start)
            self.kills += 1


async def run_clients(server: Server, seed: int) -> list[RetryingClient]:
    rng = random.Random(seed)
    async with CuttingProxy(server.port, seed) as proxy:
        clients = [
            RetryingClient(
                proxy.port,
                server.issuer.token(f"client-{number}"),
                number,
                random.Random(rng.random()),
            )
            for number in range(CLIENTS)
        ]
        for client in clients:
            await client.open()
        interruptions = Interruptions(server, proxy)
        proxy.cut_share = CUT_SHARE

        async def work(client: RetryingClient) -> None:
            while not interruptions.is_enough:
                await client.work()

        async with asyncio.TaskGroup() as group:
            group.create_task(interruptions.kill_repeatedly(rng))
            for client in clients:
                group.create_task(work(client))
        proxy.cut_share = 0.0
        for client in clients:
            await client.check_replays()
        _log.info(
            "%d kills, %d cuts, %d requests in %d tries, %d with a lost response",
            interruptions.kills,
            proxy.cuts,
            sum(len(client.responses) for client in clients),
            sum(client.tries for client in clients),
            sum(client.lost for client in clients),
        )
    return clients


async def created_rows(server: Server, client: RetryingClient) -> int:
    """Return how many rows of a client are stored."""
    connection = server.connect("auditor")
    response = await connection.request(
        "GET", f"/events?source={client.name}&count=1".replace(" ", "%20")
    )
    connection.close()
    return int(response.headers["content-range"].rpartition("/")[2])


def test_interrupted_requests_are_carried_out_exactly_once(killable: Server) -> None:
    async def run() -> None:
        clients = await run_clients(killable, seed=13)
        for client in clients:
            assert await created_rows(killable, client) == client.created
        assert sum(client.created for client in clients)
        assert sum(client.lost for client in clients), "no interruption mattered"

    asyncio.run(run())
    assert "Traceback" not in killable.output()
