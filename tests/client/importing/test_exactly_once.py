"""Each external entry is there exactly once, whatever happens to the job, the service, the network.

The job is a process and so is the service, over either database. They are killed, and connections
are cut, at moments that chance chooses by a fixed seed. In the end every entry is there once, with
its values; the job has counted each as created, though many a batch was sent more than once; and to
import once more changes nothing.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import asyncpg
import httpx
import pytest
from dotenv import dotenv_values
from sqlalchemy import make_url

from tests.client.importing.network import BrokenNetwork
from tests.conftest import System, launch, start_system, wait_until_ready

ROWS = 2000
PEOPLE = 50
BATCH = 50
ROW_BYTES = 140
PAGE = 1000
JOB_KILLS = 8
SERVICE_KILLS = 2
CUTS = 20

HURRIED_JOB = """
import sys
from client.cli import main
from client.environment import Environment
from client.importing import retries
retries.FIRST_WAIT_SECONDS, retries.MAX_WAIT_SECONDS = 0.01, 0.1
sys.exit(main(Environment.from_process()))
"""
"""The command itself, which waits less between attempts than a person would have it."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """A system that may be killed, over a database of its own."""
    settings = {"LOG_LEVEL": "warning"}
    if request.param == "postgresql":
        server = make_url(request.getfixturevalue("postgres_url"))
        text = server.render_as_string(hide_password=False)
        asyncio.run(create_database(text, "imports"))
        url = server.set(database="imports")
        settings["DATABASE_URL"] = url.render_as_string(hide_password=False)
    system = start_system(tmp_path_factory.mktemp(f"once-{request.param}"), **settings)
    yield system
    system.stop()


async def create_database(url: str, name: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()


class Entry(NamedTuple):
    """What an entry says, apart from its identity."""

    user_id: str
    date: str
    project: str
    hours: float


def make_entries(random: Random, source: str) -> list[Entry]:
    """Make entries that keep the rules; the last hundred are equal to the hundred before."""
    entries = []
    for number in range(ROWS - 100):
        day = datetime(2017, 1, 1, random.randrange(24), tzinfo=UTC) + timedelta(number // PEOPLE)
        date = f"{day:%Y-%m-%dT%H:%M:%S.000Z}"
        hours = random.randrange(25, 800, 25) / 100
        entries.append(Entry(f"{source}-{number % PEOPLE}", date, f"P{number % 7}", hours))
    return entries + entries[-100:]


class Import:
    """An import of generated rows into a service, in a directory of its own."""

    def __init__(self, service: System, directory: Path, source: str, *, ids: bool) -> None:
        self.service = service
        self.random = Random(source)
        self.entries = make_entries(self.random, source)
        self.source = source
        self.url = f"{service.url}/timesheets/upload"
        self._directory = directory
        self._environment = {
            **service.environment,
            **{name: value or "" for name, value in dotenv_values(self._env_file).items()},
        }
        lines = [
            json.dumps(entry._asdict() | ({"external_id": f"E{n}"} if ids else {}))
            for n, entry in enumerate(self.entries)
        ]
        (directory / source).with_suffix(".ndjson").write_text("\n".join(lines))
        (directory / "m.toml").write_text(f'source = "{source}"')

    @property
    def _env_file(self) -> Path:
        return self.service.directory / ".env.local"

    def start(self, batch_size: int = BATCH) -> subprocess.Popen[str]:
        """Start the job, or start it again."""
        arguments = [f"{self.source}.ndjson", "--mapping=m.toml", f"--batch-size={batch_size}"]
        arguments += ["--attempts=1000", f"--url={self.url}"]
        return subprocess.Popen(
            [sys.executable, "-c", HURRIED_JOB, "import", "timesheets", *arguments],
            cwd=self._directory,
            env=self._environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> str:
        """Wait for the end of the job; give what it said."""
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        return said

    @property
    def position(self) -> int:
        """How far the checkpoint is; the end is behind all rows."""
        try:
            kept = json.loads((self._directory / ".import" / f"{self.source}.json").read_text())
        except FileNotFoundError:
            return 0
        position: int = kept["position"]
        return position

    def wait_for(self, position: int, process: subprocess.Popen[str]) -> None:
        """Wait until the checkpoint is this far or the job has ended, and then a little more."""
        while self.position < position and process.poll() is None:
            time.sleep(0.001)
        time.sleep(self.random.uniform(0, 0.02))

    def targets(self, number: int) -> list[int]:
        """Choose positions at which something is to happen, in their order.

        None is close to the end, so that the job is still at it when it happens.
        """
        return sorted(self.random.randrange(ROWS // 2) for _ in range(number))

    def stored(self) -> list[dict[str, Any]]:
        """Give the entries that the service has."""
        token = self.service.token("read:timesheets")
        found: list[dict[str, Any]] = []
        # A page more than there should be.
        for offset in range(0, ROWS + PAGE, PAGE):
            response = httpx.get(
                f"{self.service.url}/timesheets",
                params={"source": self.source, "sort": "id", "count": PAGE, "offset": offset},
                headers={"Authorization": f"Bearer {token}"},
            )
            found += response.raise_for_status().json()
        return found

    def check(self, said: str) -> None:
        """Check that each entry is there once, and that once more changes nothing."""
        assert f"{ROWS} created, 0 updated, 0 unchanged, 0 rejected" in said
        stored = self.stored()
        kept = [Entry(row["user_id"], row["date"], row["project"], row["hours"]) for row in stored]
        assert sorted(kept) == sorted(self.entries)
        assert len({row["external_id"] for row in stored}) == ROWS
        said = self.finish(self.start(batch_size=1000))
        assert f"0 created, 0 updated, {ROWS} unchanged, 0 rejected" in said
        assert self.stored() == stored


Make = Callable[..., Import]


@pytest.fixture
def make(service: System, tmp_path: Path) -> Make:
    return lambda source, *, ids: Import(service, tmp_path, source, ids=ids)


@pytest.mark.parametrize("ids", [True, False])
def test_job_killed_repeatedly_imports_each_entry_once(make: Make, *, ids: bool) -> None:
    job = make(f"killed-{ids}", ids=ids)
    for target in job.targets(JOB_KILLS):
        process = job.start()
        job.wait_for(target, process)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    job.check(job.finish(job.start()))


def test_service_killed_repeatedly_stores_each_entry_once(make: Make, service: System) -> None:
    job = make("restarted", ids=True)
    process = job.start()
    for target in job.targets(SERVICE_KILLS):
        job.wait_for(target, process)
        os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait()
        service.process = launch(service.directory, service.environment)
        wait_until_ready(service)
    said = job.finish(process)
    assert "Trying again" in said
    job.check(said)


def test_network_cut_repeatedly_stores_each_entry_once(make: Make, service: System) -> None:
    job = make("cut", ids=True)
    direct = job.url
    port = int(service.url.rpartition(":")[2])
    with BrokenNetwork(port, job.random, sent=5 * BATCH * ROW_BYTES, answered=2000) as network:
        job.url = direct.replace(f":{port}", f":{network.port}")
        said = job.finish(job.start())
    assert min(network.cuts, said.count("Trying again")) >= CUTS
    job.url = direct
    job.check(said)
