"""Parsing of arguments that raises errors instead of ending the process."""

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from encore.client.errors import UsageError


class RaisingArgumentParser(argparse.ArgumentParser):
    """Raises ``UsageError`` where argparse would exit the process."""

    def error(self, message: str) -> NoReturn:
        """Raise ``UsageError`` with the usage and the message."""
        raise UsageError(f"{self.format_usage()}{self.prog}: {message}")


class StoreOnce(argparse.Action):
    """Stores a value, and refuses a second one."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Store the value. Raise ``UsageError`` if there is one."""
        if getattr(namespace, self.dest) is not None:
            parser.error(f"{option_string} is given twice")
        setattr(namespace, self.dest, values)
