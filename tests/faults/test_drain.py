"""SIGTERM: not ready at once, served for the drain delay, then stopped; SIGINT skips the delay."""

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


def signal_supervisor(service: ServiceProcess, signal_number: int) -> None:
    os.kill(service.process.pid, signal_number)


def signal_group(service: ServiceProcess, signal_number: int) -> None:
    os.killpg(service.process.pid, signal_number)


def wait_until_not_ready(service: ServiceProcess) -> httpx.Response:
    """Request ``/readyz`` until it is not ready; return that response."""
    deadline = time.monotonic() + START_SECONDS
    while (response := httpx.get(f"{service.url}/readyz")).status_code == httpx.codes.OK:
        assert time.monotonic() < deadline
    return response


@pytest.mark.parametrize("send", [signal_supervisor, signal_group])
def test_sigterm_makes_service_unready_and_serves_during_the_delay(
    tmp_path: Path, send: Callable[[ServiceProcess, int], None]
) -> None:
    with running_service(tmp_path, DRAIN_DELAY_SECONDS=str(DELAY)) as service:
        started = time.monotonic()
        send(service, signal.SIGTERM)
        response = wait_until_not_ready(service)
        assert_problem(response, 503, "service-unavailable", "The service is shutting down")
        send(service, signal.SIGTERM)  # Twice, as some supervisors do.
        while time.monotonic() < started + DELAY - 0.5:
            assert service.live_seconds() < START_SECONDS
            time.sleep(0.1)
        assert service.process.wait(START_SECONDS) == 0
        assert time.monotonic() - started >= DELAY
        assert "request failed" not in service.output.read_text()


def test_sigint_ends_the_drain_delay(tmp_path: Path) -> None:
    with running_service(tmp_path, DRAIN_DELAY_SECONDS="60") as service:
        signal_group(service, signal.SIGTERM)
        wait_until_not_ready(service)
        signal_group(service, signal.SIGINT)
        assert service.process.wait(START_SECONDS) == 0


def test_sigterm_without_delay_stops_service_at_once(tmp_path: Path) -> None:
    with running_service(tmp_path, LOG_LEVEL="error") as service:
        for _ in range(3):
            signal_group(service, signal.SIGTERM)
        assert service.process.wait(START_SECONDS) == 0
        assert service.output.read_text() == ""


def test_signal_to_the_worker_does_not_stop_it(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
        (worker,) = map(int, children.read_text().split())
        os.kill(worker, signal.SIGTERM)
        os.kill(worker, signal.SIGINT)
        assert service.ready_status() == httpx.codes.OK
        assert children.read_text().split() == [str(worker)]
