"""Work that is cancelled by an event, and work that ends otherwise."""

import asyncio
from typing import NoReturn

import pytest
from structlog.testing import capture_logs

from encore.database.cancellation import Abandoned, UnexpectedCancellation, cancel_when


async def wait() -> None:
    await asyncio.Event().wait()


async def fail() -> NoReturn:
    raise OSError("broken")


def test_work_is_abandoned_once_the_event_has_happened() -> None:
    with pytest.raises(Abandoned):
        asyncio.run(cancel_when(asyncio.sleep(0), wait()))


def test_work_goes_on_when_waiting_for_the_event_fails() -> None:
    with capture_logs() as logs:
        assert asyncio.run(cancel_when(fail(), asyncio.sleep(0.01, "done"))) == "done"
    assert logs == [{"event": "watch failed", "error": "OSError", "log_level": "error"}]


def test_work_that_ends_as_cancelled_by_itself_is_not_abandoned() -> None:
    async def await_cancelled() -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    with pytest.raises(UnexpectedCancellation) as raised:
        asyncio.run(cancel_when(wait(), await_cancelled()))
    assert isinstance(raised.value.__cause__, asyncio.CancelledError)


def test_cancellation_of_the_caller_is_passed_on() -> None:
    async def scenario() -> None:
        task = asyncio.create_task(cancel_when(wait(), wait()))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scenario())
