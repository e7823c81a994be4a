"""On a real terminal: colours, binary responses, and lines that a script need not read."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.client.conftest import ROOT

pytestmark = pytest.mark.processes


class Terminal:
    """Runs the client with a terminal as stdout and stderr."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __call__(self, *argv: str, **variables: str) -> tuple[int, str]:
        """Return the exit code, and what the terminal received."""
        ours, theirs = pty.openpty()
        env = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "TOKEN": "a", "TERM": "xterm"}
        with subprocess.Popen(
            [sys.executable, "-m", "client", *argv],
            env=env | variables,
            cwd=self._directory,
            stdout=theirs,
            stderr=theirs,
        ) as process:
            os.close(theirs)
            received = b"".join(self._read(ours))
        os.close(ours)
        return process.returncode, received.decode().replace("\r\n", "\n")

    def _read(self, descriptor: int) -> Iterator[bytes]:
        try:
            while chunk := os.read(descriptor, 65_536):
                yield chunk
        except OSError:  # The end, on Linux.
            return


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def test_json_has_colours_unless_no_color_is_set(terminal: Terminal, api: Any) -> None:
    for _ in range(2):
        api.respond(200, {"a": "b"})
    assert terminal(api.url) == (0, '{\n  \x1b[1;34m"a"\x1b[0m: \x1b[32m"b"\x1b[0m\n}\n')
    assert terminal(api.url, NO_COLOR="1") == (0, '{\n  "a": "b"\n}\n')


def test_binary_response_is_refused_and_text_is_shown_without_controls(
    terminal: Terminal, api: Any
) -> None:
    api.respond(200, b"\x89PNG\0", "image/png")
    code, received = terminal(api.url)
    assert (code, "--output FILE" in received, "PNG\0" in received) == (10, True, False)
    api.respond(200, b"<p>\x1b[31m", "text/html")
    assert terminal(api.url) == (0, "<p>?[31m\n")


def test_streams_are_shown_without_controls(terminal: Terminal, api: Any) -> None:
    api.respond(200, "name\r\n\x1b[31mré\x9b1m\r\n".encode(), "text/csv")
    assert terminal(api.url, "--csv") == (0, "name\n?[31mré?1m\n")


def test_post_without_a_body_and_an_empty_response_have_a_line(
    terminal: Terminal, api: Any
) -> None:
    api.respond(204, b"")
    code, received = terminal(f"{api.url}/parts/1/restore", "post")
    assert (code, received) == (0, "POST without a body.\n204 No Content, without a body.\n")
    assert (api.requests[0].body, "content-type" in api.requests[0].headers) == (b"", False)
