"""Earlier versions of this repository: a folder, or a commit that is checked out for the run."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.command_line import BenchmarkError
from benchmarks.competitors import ROOT


@contextmanager
def check_out(before: str, folder: Path) -> Iterator[Path]:
    """Yield the folder of a checkout until the block ends: the given one, or a commit's.

    Raises:
        BenchmarkError: There is no such folder or commit.
    """
    if Path(before).is_dir():
        yield Path(before).resolve()
        return
    path = folder / "checkout"
    _run_git("worktree", "add", "--detach", str(path), before)
    try:
        yield path
    finally:
        _run_git("worktree", "remove", "--force", str(path))


def describe(folder: Path) -> str:
    """Return the commit of a checkout."""
    return _run_git("-C", str(folder), "describe", "--always", "--dirty=+").strip()


def _run_git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BenchmarkError(f"git {' '.join(arguments)}: {done.stderr.strip()[:300]}")
    return done.stdout
