"""Runs Finale and Encore side by side for all conformance tests; `make compare` prints a report."""

import os
from collections.abc import Iterator
from typing import Final

import pytest

from tests.conformance.node import NodeError, install_finale
from tests.conformance.servers import Servers, start_servers

REQUIRE_FINALE: Final = "REQUIRE_FINALE"
"""Environment variable: with the value 1, tests fail where they would be skipped. CI sets it."""
DIFFERENCE: Final = "difference"
"""Property of a test: what differs, and the difference's name; empty if the responses are equal."""
RESPONSES: Final = "responses"
"""Property of a test: the requests, and the responses of both servers."""


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Start the servers; skip where Node is missing or its packages cannot be installed."""
    try:
        node = install_finale()
    except NodeError as error:
        if os.environ.get(REQUIRE_FINALE) == "1":
            pytest.fail(f"{REQUIRE_FINALE}=1, but {error}", pytrace=False)
        pytest.skip(str(error))
    with start_servers(node, tmp_path_factory.mktemp("conformance")) as running:
        yield running


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the report; pytest reads them if this folder is named."""
    parser.addoption("--differences", action="store_true", help="list how Encore differs")
    parser.addoption("--responses", action="store_true", help="print both responses of each case")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the report that the options ask for."""
    differences = config.getoption("--differences", default=False)
    responses = config.getoption("--responses", default=False)
    if not differences and not responses:
        return
    terminalreporter.section("Encore and Finale")
    equal = 0
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        properties = dict(report.user_properties)
        if DIFFERENCE not in properties:
            continue
        equal += not properties[DIFFERENCE]
        if properties[DIFFERENCE] or responses:
            name = report.nodeid.partition("[")[2].removesuffix("]")
            terminalreporter.write_line(f"{name:<45} {properties[DIFFERENCE]}")
        if responses:
            terminalreporter.write_line(properties[RESPONSES])
    terminalreporter.write_line(f"{equal} responses equal")
