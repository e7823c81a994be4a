"""Fixtures that several directories share, and how tests are spread over workers."""

import signal
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from tests.fixtures.workers import DatabaseScheduling

pytest.register_assert_rewrite("tests.fixtures")

pytest_plugins = (
    "tests.fixtures.browser",
    "tests.fixtures.databases",
    "tests.fixtures.gate",
    "tests.fixtures.lanes",
    "tests.fixtures.library",
    "tests.fixtures.logs",
    "tests.fixtures.models",
    "tests.fixtures.openapi",
    "tests.fixtures.system",
    "tests.fixtures.tokens",
    "tests.fixtures.uploads",
)

# A deadline for each example would measure how busy the machine is.
hypothesis.settings.register_profile("encore", deadline=None)
hypothesis.settings.register_profile("fast", deadline=None, max_examples=20)
hypothesis.settings.load_profile("encore")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As a shell's background job; the programs under test would inherit it, deaf to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "DatabaseScheduling | None":
    """Return how tests are assigned to workers; None for the scheduler of ``--dist``.

    Without processes (``--dist=loadfile``) no system is shared by the tests of a database.
    """
    if config.getoption("dist") == "loadfile":
        return None
    from tests.fixtures.workers import DatabaseScheduling  # noqa: PLC0415 - after the rewriting is set up

    return DatabaseScheduling(config, log)
