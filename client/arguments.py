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
    """Stores a value, and refuses a second one, which would replace the first without a word."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Store the value. Raise ``UsageError`` if there is one."""
        given = namespace.__dict__.setdefault("_given", set())
        if option_string is not None and self.dest in given:
            parser.error(f"{option_string} is given twice")
        given.add(self.dest)
        setattr(namespace, self.dest, values)


class OnceArgumentParser(RaisingArgumentParser):
    """Refuses options that have one value and are given twice."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.register("action", None, StoreOnce)
