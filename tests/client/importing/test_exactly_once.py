"""Each external entry is stored exactly once despite kills of job or service and network failures.

The job is a process and so is the service, over either database. They are killed, and connections
are cut, at random times with a fixed seed. In the end every entry is stored once, with its values;
the job has counted each as created, although many batches were sent more than once; and another
import changes nothing.
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
from tests.fixtures.system import System, launch, start_system, wait_until_ready

pytestmark = pytest.mark.processes

ROWS = 2000
PEOPLE = 50
BATCH = 50
ROW_BYTES = 140
PAGE = 1000
JOB_KILLS = 8
SERVICE_KILLS = 2
CUTS = 20

FAST_RETRY_JOB = """
import sys
from client.cli import main
from client.environment import Environment
from client.importing import retries
retries.FIRST_WAIT_SECONDS, retries.MAX_WAIT_SECONDS = 0.01, 0.1
sys.exit(main(Environment.from_process()))
"""
"""The command itself, with short waits between attempts."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """A system that tests may kill, with a separate database."""
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
    """An entry without its natural key."""

    user_id: str
    date: str
    project: str
    hours: float


def make_entries(random: Random, source: str) -> list[Entry]:
    """Make valid entries; the last hundred are equal to the hundred before."""
    entries = []
    for number in range(ROWS - 100):
        day = datetime(2017, 1, 1, random.randrange(24), tzinfo=UTC) + timedelta(number // PEOPLE)
        date = f"{day:%Y-%m-%dT%H:%M:%S.000Z}"
        hours = random.randrange(25, 800, 25) / 100
        entries.append(Entry(f"{source}-{number % PEOPLE}", date, f"P{number % 7}", hours))
    return entries + entries[-100:]


class Import:
    """An import of generated rows into a service, in a separate directory."""

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
            [sys.executable, "-c", FAST_RETRY_JOB, "import", "timesheets", *arguments],
            cwd=self._directory,
            env=self._environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> str:
        """Wait for the end of the job; return its output."""
        _, output = process.communicate(timeout=60)
        assert process.returncode == 0, output
        return output

    @property
    def position(self) -> int:
        """The position of the checkpoint; 0 without one."""
        try:
            kept = json.loads((self._directory / ".import" / f"{self.source}.json").read_text())
        except FileNotFoundError:
            return 0
        position: int = kept["position"]
        return position

    def wait_for(self, position: int, process: subprocess.Popen[str]) -> None:
        """Wait until the checkpoint has this position or the job has ended, then a random time."""
        while self.position < position and process.poll() is None:
            time.sleep(0.001)
        time.sleep(self.random.uniform(0, 0.02))

    def targets(self, number: int) -> list[int]:
        """Return random positions in ascending order.

        None is close to the end, so that the job is still running there.
        """
        return sorted(self.random.randrange(ROWS // 2) for _ in range(number))

    def stored(self) -> list[dict[str, Any]]:
        """Return the entries that the service stores."""
        token = self.service.token("read:timesheets")
        found: list[dict[str, Any]] = []
        # One page more than expected.
        for offset in range(0, ROWS + PAGE, PAGE):
            response = httpx.get(
                f"{self.service.url}/timesheets",
                params={"source": self.source, "sort": "id", "count": PAGE, "offset": offset},
                headers={"Authorization": f"Bearer {token}"},
            )
            found += response.raise_for_status().json()
        return found

    def check(self, output: str) -> None:
        """Assert that each entry is stored once, and that a second import changes nothing."""
        assert f"{ROWS} created, 0 updated, 0 unchanged, 0 rejected" in output
        stored = self.stored()
        kept = [Entry(row["user_id"], row["date"], row["project"], row["hours"]) for row in stored]
        assert sorted(kept) == sorted(self.entries)
        assert len({row["external_id"] for row in stored}) == ROWS
        output = self.finish(self.start(batch_size=1000))
        assert f"0 created, 0 updated, {ROWS} unchanged, 0 rejected" in output
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
    output = job.finish(process)
    assert "Trying again" in output
    job.check(output)


def test_network_cut_repeatedly_stores_each_entry_once(make: Make, service: System) -> None:
    job = make("cut", ids=True)
    direct = job.url
    port = int(service.url.rpartition(":")[2])
    with BrokenNetwork(port, job.random, sent=5 * BATCH * ROW_BYTES, received=2000) as network:
        job.url = direct.replace(f":{port}", f":{network.port}")
        output = job.finish(job.start())
    assert min(network.cuts, output.count("Trying again")) >= CUTS
    job.url = direct
    job.check(output)
