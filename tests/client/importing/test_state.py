"""Resuming an interrupted run: the checkpoint, when it does not match, and the lock."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from client.importing.state.checkpoint import Checkpoint
from client.importing.state.state import FileState
from client.importing.uploading.results import Counts
from tests.client.importing.conftest import (
    COMMAND,
    FakeUploadApi,
    Fault,
    ImportRun,
    csv_of,
    plain_rows,
)
from tests.fixtures.system import START_SECONDS

REJECTED_BATCH = Fault(400)
"""Ends a run like a kill: without saving a checkpoint."""


def interrupt(
    run: ImportRun, api: FakeUploadApi, *argv: Any, after: int = 2, **settings: Any
) -> None:
    """Import in batches of two until the API rejects one."""
    api.faults += [None] * after + [REJECTED_BATCH]
    assert run(*argv, "--batch-size", "2", **settings).code == 7
    api.requests.clear()


def external_ids(api: FakeUploadApi) -> list[str]:
    """Return the ids that were sent, in their order."""
    return [row["external_id"] for request in api.requests for row in request.rows]


def test_run_resumes_after_last_acknowledged_batch(
    run: ImportRun, api: FakeUploadApi, export: Path
) -> None:
    interrupt(run, api, export)
    result = run(export, "--batch-size", "2")
    assert result.code == 0
    assert result.err.startswith("Resuming after 4 rows of an earlier run.\n")
    assert "export.csv: 5 created, 0 updated" in result.err
    assert external_ids(api) == ["E5"]
    assert not (run.state / "export.csv.json").exists()


def test_resumed_run_repeats_unacknowledged_batch_with_same_key(
    run: ImportRun, api: FakeUploadApi, export: Path
) -> None:
    api.faults += [Fault(400, carried_out=True)]
    assert run(export).code == 7
    result = run(export)
    assert "5 created, 0 updated, 0 unchanged" in result.err
    first, second = api.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


def test_appended_rows_are_imported_by_resumed_run(
    run: ImportRun, api: FakeUploadApi, export: Path
) -> None:
    interrupt(run, api, export)
    with export.open("a") as file:
        file.writelines(f"{row}\n" for row in plain_rows(2, begin=6))
    assert run(export).code == 0
    assert external_ids(api) == ["E5", "E6", "E7"]


def test_resumed_run_derives_same_ids(run: ImportRun, api: FakeUploadApi, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = ["007,2017-05-10,StoreZero,5"] * 5
    path.write_text("\n".join(["user_id,date,project,hours", *rows]))
    run(path)
    whole = dict(api.entries)
    api.entries.clear()
    interrupt(run, api, path)
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
    run: ImportRun, api: FakeUploadApi, export: Path, *, change: str | None, argv: Any, words: str
) -> None:
    interrupt(run, api, export)
    if change is not None:
        export.write_text(change)
    result = run(export, *argv)
    assert result.code == 0
    assert words in result.err
    assert "Starting over" in result.err
    assert external_ids(api)[0] == "E1"
    assert result.total == len(external_ids(api))


def test_changed_batch_size_resumes(run: ImportRun, api: FakeUploadApi, export: Path) -> None:
    interrupt(run, api, export)
    assert run(export, "--batch-size", "1").code == 0
    assert external_ids(api) == ["E5"]


def test_restart_ignores_checkpoint(run: ImportRun, api: FakeUploadApi, export: Path) -> None:
    interrupt(run, api, export)
    result = run(export, "--restart")
    assert "1 created, 0 updated, 4 unchanged" in result.err
    assert len(external_ids(api)) == 5


def test_same_standard_input_resumes(run: ImportRun, api: FakeUploadApi) -> None:
    stdin = csv_of(*plain_rows(5)).encode()
    interrupt(run, api, "-", "--format", "csv", stdin=stdin)
    assert run("-", "--format", "csv", stdin=stdin).code == 0
    assert external_ids(api) == ["E5"]


def test_different_standard_input_starts_over(run: ImportRun, api: FakeUploadApi) -> None:
    interrupt(run, api, "-", "--format", "csv", stdin=csv_of(*plain_rows(5)).encode())
    result = run("-", "--format", "csv", stdin=csv_of(*plain_rows(5, begin=3)).encode())
    assert result.code == 0
    assert "Starting over" in result.err
    assert external_ids(api) == ["E3", "E4", "E5", "E6", "E7"]


def test_other_job_ignores_checkpoint(run: ImportRun, api: FakeUploadApi, export: Path) -> None:
    interrupt(run, api, export)
    assert run(export, "--job", "other").code == 0
    assert len(external_ids(api)) == 5
    assert (run.state / "export.csv.json").exists()


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"version": 2}', '{"version": 1, "counts": {}}', "[" * 100_000, "\x00"],
)
def test_invalid_checkpoint_is_reported_with_restart_option(
    run: ImportRun, api: FakeUploadApi, export: Path, content: str
) -> None:
    run.state.mkdir()
    (run.state / "export.csv.json").write_text(content)
    result = run(export)
    assert (result.code, api.requests) == (10, [])
    assert "is not a checkpoint of this version; --restart" in result.err
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
    run: ImportRun, api: FakeUploadApi, export: Path
) -> None:
    interrupt(run, api, export)
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
    result = run(export, "--state", tmp_path / "file" / "state")
    assert result.code == 10
    assert result.err.count("\n") == 1


def is_locked(path: Path) -> bool:
    """Return whether a process holds a lock; does not try to acquire it."""
    return path.exists() and f":{path.stat().st_ino} " in Path("/proc/locks").read_text()


def test_second_run_exits_13_and_kill_releases_lock(
    subprocess_options: dict[str, Any], tmp_path: Path, export: Path, api: FakeUploadApi
) -> None:
    command = [*COMMAND, "timesheets"]
    reader, writer = os.pipe()
    # Holds the lock and waits for its standard input.
    first = subprocess.Popen(
        [*command, "-", "--format", "csv", "--job", "night"], stdin=reader, **subprocess_options
    )
    deadline = time.monotonic() + START_SECONDS
    while not is_locked(tmp_path / ".import" / "night.lock"):
        assert (first.poll(), time.monotonic() < deadline) == (None, True)
        time.sleep(0.01)
    second = subprocess.run(
        [*command, str(export), "--job", "night"],
        check=False,
        capture_output=True,
        **subprocess_options,
    )
    first.kill()
    first.wait()
    os.close(reader)
    os.close(writer)
    assert (second.returncode, second.stdout) == (13, "")
    assert second.stderr == "The import night is already running: .import/night.lock is locked.\n"
    third = subprocess.run(
        [*command, str(export), "--job", "night"], check=False, **subprocess_options
    )
    assert third.returncode == 0
    assert len(api.entries) == 5
