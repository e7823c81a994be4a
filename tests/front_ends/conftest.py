"""Fixtures of the tests with stock front ends."""

from collections.abc import Iterator

import pytest

from tests.fixtures.node import require_packages
from tests.front_ends.front_end import FOLDER, NodeClients


@pytest.fixture(scope="session")
def clients() -> Iterator[NodeClients]:
    """Return the Node process; skip where Node is missing."""
    with NodeClients(require_packages(FOLDER)) as clients:
        yield clients
