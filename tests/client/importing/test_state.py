"""Going on where an earlier run broke off: the checkpoint, and when it no longer fits."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from client.importing.checkpoint import Checkpoint
from client.importing.results import Counts
from client.importing.state import FileState
from tests.client.importing.conftest import Fault, ImportRun, UploadApi, csv_of, plain_rows
from tests.conftest import START_SECONDS, environment_of

BROKEN = Fault(400)
"""Ends a run as a kill would: without a word to the checkpoint."""


def break_off(run: ImportRun, api: UploadApi, *argv: Any, after: int = 2, **given: Any) -> None:
    """Import in batches of two until the API refuses one."""
    api.faults += [None] * after + [BROKEN]
    assert run(*argv, "--batch-size", "2", **given).code == 7
    api.requests.clear()


def external_ids(api: UploadApi) -> list[str]:
    """Give the ids that were sent, in their order."""
    return [row["external_id"] for request in api.requests for row in request.rows]


def test_run_resumes_after_last_acknowledged_batch(
    run: ImportRun, api: UploadApi, export: Path
) -> None:
    break_off(run, api, export)
    outcome = run(export, "--batch-size", "2")
    assert outcome.code == 0
    assert outcome.err.startswith("Resuming after 4 rows of an earlier run.\n")
    assert "export.csv: 5 created, 0 updated" in outcome.err
    assert external_ids(api) == ["E5"]
    assert not (run.state / "export.csv.json").exists()


def test_resumed_run_repeats_unacknowledged_batch_with_same_key(
    run: ImportRun, api: UploadApi, export: Path
) -> None:
    api.faults += [Fault(400, carried_out=True)]
    assert run(export).code == 7
    outcome = run(export)
    assert "5 created, 0 updated, 0 unchanged" in outcome.err
    first, second = api.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


def test_appended_rows_are_imported_by_resumed_run(
    run: ImportRun, api: UploadApi, export: Path
) -> None:
    break_off(run, api, export)
    with export.open("a") as file:
        file.writelines(f"{row}\n" for row in plain_rows(2, begin=6))
    assert run(export).code == 0
    assert external_ids(api) == ["E5", "E6", "E7"]


def test_resumed_run_derives_same_ids(run: ImportRun, api: UploadApi, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = ["007,2017-05-10,StoreZero,5"] * 5
    path.write_text("\n".join(["user_id,date,project,hours", *rows]))
    run(path)
    whole = dict(api.entries)
    api.entries.clear()
    break_off(run, api, path)
    run(path)
    assert api.entries == whole
    assert len(whole) == 5


@pytest.mark.parametrize(
    ("change", "argv", "words"),
    [
        (
            csv_of("008,2017-05-10,StoreZero,1,E1", *plain_rows(4, begin=2)),
            (),
            "differ from those of an earlier run",
        ),
        (
            csv_of(*plain_rows(5)).replace("\n", "\n\n", 1),
            (),
            "differ from those of an earlier run",
        ),
        (csv_of(*plain_rows(3)), (), "has fewer rows than"),
        (None, ("--since", "2017-01-01"), "differ from those of an earlier run"),
        (None, ("--format", "csv"), "differ from those of an earlier run"),
    ],
)
def test_changed_source_or_options_start_over(
    run: ImportRun, api: UploadApi, export: Path, *, change: str | None, argv: Any, words: str
) -> None:
    break_off(run, api, export)
    if change is not None:
        export.write_text(change)
    outcome = run(export, *argv)
    assert outcome.code == 0
    assert words in outcome.err
    assert "Starting over" in outcome.err
    assert external_ids(api)[0] == "E1"
    assert outcome.counted == len(external_ids(api))


def test_changed_batch_size_resumes(run: ImportRun, api: UploadApi, export: Path) -> None:
    break_off(run, api, export)
    assert run(export, "--batch-size", "1").code == 0
    assert external_ids(api) == ["E5"]


def test_restart_ignores_checkpoint(run: ImportRun, api: UploadApi, export: Path) -> None:
    break_off(run, api, export)
    outcome = run(export, "--restart")
    assert "1 created, 0 updated, 4 unchanged" in outcome.err
    assert len(external_ids(api)) == 5


def test_same_standard_input_resumes(run: ImportRun, api: UploadApi) -> None:
    stdin = csv_of(*plain_rows(5)).encode()
    break_off(run, api, "-", "--format", "csv", stdin=stdin)
    assert run("-", "--format", "csv", stdin=stdin).code == 0
    assert external_ids(api) == ["E5"]


def test_different_standard_input_starts_over(run: ImportRun, api: UploadApi) -> None:
    break_off(run, api, "-", "--format", "csv", stdin=csv_of(*plain_rows(5)).encode())
    outcome = run("-", "--format", "csv", stdin=csv_of(*plain_rows(5, begin=3)).encode())
    assert outcome.code == 0
    assert "Starting over" in outcome.err
    assert external_ids(api) == ["E3", "E4", "E5", "E6", "E7"]


def test_other_job_ignores_checkpoint(run: ImportRun, api: UploadApi, export: Path) -> None:
    break_off(run, api, export)
    assert run(export, "--job", "other").code == 0
    assert len(external_ids(api)) == 5
    assert (run.state / "export.csv.json").exists()


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"version": 2}', '{"version": 1, "counts": {}}', "[" * 100_000, "\x00"],
)
def test_invalid_checkpoint_is_reported_with_restart_option(
    run: ImportRun, api: UploadApi, export: Path, content: str
) -> None:
    run.state.mkdir()
    (run.state / "export.csv.json").write_text(content)
    outcome = run(export)
    assert (outcome.code, api.requests) == (10, [])
    assert "is not a checkpoint of this version; --restart" in outcome.err
    assert run(export, "--restart").code == 0


def test_checkpoint_file_round_trip(tmp_path: Path) -> None:
    state = FileState(tmp_path, "a", None)
    assert state.load() is None
    kept = Checkpoint(position=3, fingerprint="f", counts=Counts(1, 2, 3, 4, 5), rejected_bytes=7)
    state.save(kept)
    assert state.load() == kept
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    state.remove()
    assert state.load() is None


def test_checkpoint_contains_no_row_and_no_secret(
    run: ImportRun, api: UploadApi, export: Path
) -> None:
    break_off(run, api, export)
    kept = json.loads((run.state / "export.csv.json").read_text())
    assert set(kept) == {
        "version",
        "run",
        "position",
        "fingerprint",
        "counts",
        "rejected_bytes",
    }


def test_state_directory_that_cannot_be_created_is_reported(
    run: ImportRun, export: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    outcome = run(export, "--state", tmp_path / "file" / "state")
    assert outcome.code == 10
    assert outcome.err.count("\n") == 1


def is_locked(path: Path) -> bool:
    """Tell whether a process holds a lock, without trying to take it from it."""
    return path.exists() and f":{path.stat().st_ino} " in Path("/proc/locks").read_text()


def test_second_run_exits_13_and_kill_releases_lock(
    environment: dict[str, str], tmp_path: Path, export: Path, api: UploadApi
) -> None:
    command = [sys.executable, "-m", "client", "import", "timesheets"]
    surroundings: dict[str, Any] = {
        "env": environment_of(**environment),
        "cwd": tmp_path,
        "text": True,
    }
    reader, writer = os.pipe()
    # Waits for its standard input, with the lock in hand.
    first = subprocess.Popen(
        [*command, "-", "--format", "csv", "--job", "night"], stdin=reader, **surroundings
    )
    deadline = time.monotonic() + START_SECONDS
    while not is_locked(tmp_path / ".import" / "night.lock"):
        assert (first.poll(), time.monotonic() < deadline) == (None, True)
        time.sleep(0.01)
    second = subprocess.run(
        [*command, str(export), "--job", "night"],
        check=False,
        capture_output=True,
        **surroundings,
    )
    first.kill()
    first.wait()
    os.close(reader)
    os.close(writer)
    assert (second.returncode, second.stdout) == (13, "")
    assert second.stderr == "The import night is already running: .import/night.lock is locked.\n"
    third = subprocess.run([*command, str(export), "--job", "night"], check=False, **surroundings)
    assert third.returncode == 0
    assert len(api.entries) == 5
