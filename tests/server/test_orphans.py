"""A process that another one has started ends with it, also if that is already gone."""

import subprocess
import sys

import pytest

from tests.fixtures.system import START_SECONDS

ORPHAN = """
import multiprocessing, os, time
from encore.server.server import end_with_parent

def work(parent):
    while os.getppid() == parent:
        time.sleep(0.01)
    end_with_parent()
    print("orphaned", flush=True)

multiprocessing.get_context("fork").Process(target=work, args=(os.getpid(),)).start()
os._exit(0)
"""


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the end of a parent")
def test_process_whose_parent_ended_while_it_started_ends_too() -> None:
    # The pipe of its output is closed when the orphan has ended.
    completed = subprocess.run(
        [sys.executable, "-c", ORPHAN],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=True,
    )
    assert (completed.stdout, completed.stderr) == ("", "")
