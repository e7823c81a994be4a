"""SIGTERM: not ready at once, serving on for the delay, then gone; Ctrl-C does not wait."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.faults.service_process import ServiceProcess, running_service
from tests.fixtures.problems import assert_problem
from tests.fixtures.system import START_SECONDS

pytestmark = pytest.mark.processes

DELAY = 1


def to_the_supervisor(service: ServiceProcess, number: int) -> None:
    os.kill(service.process.pid, number)


def to_the_group(service: ServiceProcess, number: int) -> None:
    os.killpg(service.process.pid, number)


def await_not_ready(service: ServiceProcess) -> httpx.Response:
    """Ask until the service says that it is about to stop."""
    deadline = time.monotonic() + START_SECONDS
    while (response := httpx.get(f"{service.url}/readyz")).status_code == httpx.codes.OK:
        assert time.monotonic() < deadline
    return response


@pytest.mark.parametrize("send", [to_the_supervisor, to_the_group])
def test_sigterm_makes_it_unready_and_serves_on_for_the_delay(
    tmp_path: Path, send: Callable[[ServiceProcess, int], None]
) -> None:
    with running_service(tmp_path, DRAIN_DELAY_SECONDS=str(DELAY)) as service:
        begun = time.monotonic()
        send(service, signal.SIGTERM)
        response = await_not_ready(service)
        assert_problem(response, 503, "service-unavailable", "The service is shutting down")
        send(service, signal.SIGTERM)  # Twice, as some supervisors do.
        while time.monotonic() < begun + DELAY - 0.5:
            assert service.live_seconds() < START_SECONDS
            time.sleep(0.1)
        assert service.process.wait(START_SECONDS) == 0
        assert time.monotonic() - begun >= DELAY
        assert "request failed" not in service.output.read_text()


def test_sigint_ends_the_delay(tmp_path: Path) -> None:
    with running_service(tmp_path, DRAIN_DELAY_SECONDS="60") as service:
        to_the_group(service, signal.SIGTERM)
        await_not_ready(service)
        to_the_group(service, signal.SIGINT)
        assert service.process.wait(START_SECONDS) == 0


def test_sigterm_without_a_delay_ends_it_at_once(tmp_path: Path) -> None:
    with running_service(tmp_path, LOG_LEVEL="error") as service:
        for _ in range(3):
            to_the_group(service, signal.SIGTERM)
        assert service.process.wait(START_SECONDS) == 0
        assert service.output.read_text() == ""


def test_sigterm_from_outside_leaves_the_worker_alone(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
        (worker,) = map(int, children.read_text().split())
        os.kill(worker, signal.SIGTERM)
        os.kill(worker, signal.SIGINT)
        assert service.ready_status() == httpx.codes.OK
        assert children.read_text().split() == [str(worker)]
