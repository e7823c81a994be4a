"""The words that can be completed: commands, their options, and those of a request."""

import io
import os
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from client.commands import COMMANDS
from client.environment import Environment
from client.requesting.option_parser import build_parser

METHODS: Final = ("get", "post", "put", "patch", "delete", "head", "options")
FILE_OPTIONS: Final = ("--output", "-o")
"""Options of a request whose value is a file."""

VALUE_OPTIONS: Final = ("--header", "-H", "--timeout", "--retries")
"""Options of a request whose value is not completed."""

_OPTION: Final = re.compile(r"(?<![\w-])--?[a-zA-Z][a-z-]*(?![\w-])")


class Words(NamedTuple):
    """The words of this version."""

    commands: Mapping[str, str]
    """Summaries by word."""
    options: Mapping[str, tuple[str, ...]]
    """The options of each command."""
    request: tuple[str, ...]
    """The options of a request."""


def find_words() -> Words:
    """Return the words: options are those that the help of a command names."""
    request = [name for action in build_parser()._actions for name in action.option_strings]  # noqa: SLF001 - argparse lists them nowhere else.
    return Words(
        {word: command.summary for word, command in COMMANDS.items()},
        {word: _options_of(word) for word in COMMANDS if word != "completion"},
        tuple(request),
    )


def _options_of(word: str) -> tuple[str, ...]:
    out = io.StringIO()
    streams = {"stdin": io.StringIO(), "stdout": out, "stderr": io.StringIO()}
    COMMANDS[word].load()(Environment([word, "--help"], {}, os.curdir, **streams))
    found = dict.fromkeys(_OPTION.findall(out.getvalue()))
    return tuple(name for name in found if name != "-m")  # That of python -m client.
