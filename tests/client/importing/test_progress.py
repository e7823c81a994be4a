"""Progress: lines, a bar on a terminal, no control characters."""

import io
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from client.environment import Environment
from client.importing.progress import BarProgress, LineProgress
from client.importing.uploading.results import Counts
from tests.client.importing.conftest import COMMAND


@pytest.mark.processes
def test_rich_is_not_imported_without_terminal(
    subprocess_options: dict[str, Any], export: Path
) -> None:
    code = (
        "import sys\n"
        "from client.cli import main\nfrom client.environment import Environment\n"
        "assert main(Environment.from_process()) == 0\n"
        "sys.exit('rich' in sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, "import", "timesheets", str(export)],
        capture_output=True,
        check=False,
        **subprocess_options,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.isprintable() or ended.stderr.count("\n") == 1


def test_terminal_shows_bar_and_summary(subprocess_options: dict[str, Any], export: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "timesheets", str(export), "--batch-size", "1"],
        stderr=theirs,
        **subprocess_options,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux: the other end is closed.
            piece = b""
        shown += piece
        if not piece:
            break
    os.close(ours)
    assert process.wait() == 0
    assert "━" in shown.decode()
    assert b"5 created, 0 updated" in shown


def test_line_progress_writes_every_ten_seconds() -> None:
    err = io.StringIO()
    seconds = [0.0]
    context = Environment([], {}, ".", io.StringIO(), io.StringIO(), err)
    lines = LineProgress(context, clock=lambda: seconds[0])
    for batch in range(100):
        seconds[0] = batch / 2
        lines.advance(Counts(created=batch), batch, 100 if batch < 90 else None)
    assert err.getvalue().splitlines() == [
        "20 rows (20 %), 0 rejected",
        "40 rows (40 %), 0 rejected",
        "60 rows (60 %), 0 rejected",
        "80 rows (80 %), 0 rejected",
    ]


def test_control_characters_in_messages_are_replaced() -> None:
    err = io.StringIO()
    with BarProgress(Environment([], {}, ".", io.StringIO(), io.StringIO(), err)) as bar:
        bar.message("[bold]\x1b[31mred")
    assert "[bold]?[31mred" in err.getvalue()
