"""The commands besides a request, by their reserved words."""

import gc
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, NamedTuple

from client.environment import Environment
from client.exit_codes import ExitCode

Runner = Callable[[Environment], ExitCode]
"""Runs a command with the arguments of an environment, of which the first is its word."""


class Command(NamedTuple):
    """A command."""

    summary: str
    """What it does, in one line of the help."""
    module: str
    """Where its runner is; imported on demand, so that a request does not pay for it."""
    function: str

    def load(self) -> Runner:
        """Import and return the runner."""
        gc.enable()  # See client.__main__.
        runner: Runner = getattr(import_module(self.module), self.function)
        return runner


COMMANDS: Final[Mapping[str, Command]] = {
    "import": Command(
        "import timesheets, or rows of another resource", "client.importing.cli", "run_import"
    ),
    "export": Command("export all rows of a list", "client.exporting.cli", "run_export"),
    "login": Command("log in as a person at ISSUER", "client.login.cli", "run_login"),
    "token": Command("print the token that a request would send", "client.tokens.cli", "run_token"),
    "logout": Command("end a login, remove cached tokens", "client.tokens.cli", "run_logout"),
    "completion": Command(
        "print a script that completes the words of a shell",
        "client.completion.cli",
        "run_completion",
    ),
    "generate": Command(
        "write typed Python clients from the API's description",
        "client.generating.cli",
        "run_generate",
    ),
}
"""The commands by their word, in the order of the help."""
