"""The command: arguments, messages on stderr, exit codes, lean imports."""

import io
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from client.environment import Environment
from client.exit_codes import ExitCode
from tests.client.importing.conftest import COMMAND, FakeUploadApi, ImportRun, csv_of, plain_rows
from tests.fixtures.system import ROOT, START_SECONDS


def test_summary_is_on_stderr_and_stdout_is_empty(run: ImportRun, export: Path) -> None:
    code, out, err = run(export)
    assert (code, out) == (0, "")
    figures = "5 created, 0 updated, 0 unchanged, 0 rejected"
    assert re.fullmatch(rf"export\.csv: {figures}; \d+\.\d s, \d+ rows/s\.\n", err)


def test_rejected_rows_exit_3(run: ImportRun, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(csv_of(*plain_rows(2), "007,never,StoreZero,5,E3"))
    assert run(tmp_path / "a.csv").code == 3


@pytest.mark.parametrize("option", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], 0),
        (["007,2017-05-09,StoreZero,5,E1"], 0),
        (["007,never,StoreZero,5,E1"], 14),
        (["007,2017-05-10,StoreZero,25,E1", "007,never,StoreZero,5,E2"], 14),
        (["007,2017-05-09,StoreZero,5,E1", "007,never,StoreZero,5,E2"], 14),
        (["007,2017-05-10,StoreZero,5,E1", "007,never,StoreZero,5,E2"], 3),
    ],
)
def test_exit_code_is_14_if_all_rows_but_skipped_ones_are_rejected(
    run: ImportRun, tmp_path: Path, rows: list[str], code: int, option: tuple[str, ...]
) -> None:
    (tmp_path / "a.csv").write_text(csv_of(*rows))
    assert run(tmp_path / "a.csv", "--since", "2017-05-10", *option).code == code


def test_exit_code_of_unchanged_rows_is_0_and_with_a_rejected_one_3(
    run: ImportRun, export: Path
) -> None:
    assert run(export).code == 0
    assert run(export).code == 0
    export.write_text(csv_of(*plain_rows(5), "007,never,StoreZero,5,E6"))
    assert run(export).code == 3


def test_dry_run_shows_rows_sums_and_what_the_api_rejects(
    run: ImportRun, tmp_path: Path, api: FakeUploadApi
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        csv_of(*plain_rows(3), "007,2017-05-10,StoreZero,25,E4", "007,x,StoreZero,5,E5")
    )
    code, out, err = run(path, "--dry-run", "--batch-size", "2")
    assert code == 3
    assert "3 created, 0 updated, 0 unchanged, 2 rejected" in err
    lines = [line.split() for line in out.splitlines()]
    assert ["total", "4", "47.50", "47:30:00"] in lines
    assert ["5", "hours", "must", "not", "be", "25"] in lines
    assert lines[-1][:2] == ["6", "date"]
    assert api.entries == {}
    assert run(path, "--dry-run", "--quiet").out == ""


def test_quiet_prints_summary_only_with_rejected_rows(
    run: ImportRun, export: Path, tmp_path: Path
) -> None:
    assert run(export, "--quiet") == (0, "", "")
    (tmp_path / "a.csv").write_text(csv_of("007,never,StoreZero,5,E3"))
    assert "1 rejected" in run(tmp_path / "a.csv", "--quiet").err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ((), "usage: python -m client import"),
        (("timesheets",), "usage: python -m client import"),
        (("timesheets", "a.csv", "--key", "id"), "--key is not for timesheets"),
        (("timesheets", "a.csv", "b.csv"), "unrecognized arguments: b.csv"),
        (
            ("timesheets", "a.csv", "--since", "10.5.2017"),
            "must be a date like 2017-05-10, not '10.5.2017'",
        ),
        (("timesheets", "a.csv", "--batch-size", "0"), "between 1 and 10000, not 0"),
        (("timesheets", "a.csv", "--batch-size", "10001"), "between 1 and 10000, not 10001"),
        (("timesheets", "a.csv", "--attempts", "0"), "between 1 and 1000, not 0"),
        (("timesheets", "a.csv", "--format", "xml"), "invalid choice: 'xml'"),
        (("timesheets", "a.dat"), "--format csv, ndjson, json"),
        (("timesheets", f"{'a' * 97}.csv"), "longer than 100 characters"),
        (("timesheets", "ftp://host/a.csv"), "SOURCE must start with http:// or https://"),
    ],
)
def test_invalid_arguments_are_reported_and_nothing_is_sent(
    environment: dict[str, str],
    api: FakeUploadApi,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    argv: tuple[str, ...],
    words: str,
) -> None:
    from client.cli import main  # noqa: PLC0415 - as the door does.

    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.dat").write_text("")
    err = io.StringIO()
    context = Environment(
        ["import", *argv], environment, str(tmp_path), io.StringIO(), io.StringIO(), err
    )
    assert main(context) == 1
    assert words in err.getvalue()
    assert api.requests == []


def test_help_lists_every_option_and_exit_code(subprocess_options: dict[str, Any]) -> None:
    ended = subprocess.run(
        [*COMMAND, "--help"], capture_output=True, check=True, **subprocess_options
    )
    assert ended.stderr == ""
    for code in set(ExitCode) - {ExitCode.PIPE_CLOSED, ExitCode.DIFFERENT}:
        assert re.search(rf"\b{code.value} ", ended.stdout), code
    assert "--dry-run" in ended.stdout


def test_first_argument_other_than_import_is_a_url(subprocess_options: dict[str, Any]) -> None:
    ended = subprocess.run(
        [*COMMAND[:3], "imports"], capture_output=True, check=False, **subprocess_options
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("URL must start with http:// or https:// and name a host")


@pytest.mark.parametrize("argv", [["--help"], ["timesheets"], ["timesheets", "a", "--since", "x"]])
def test_invalid_arguments_import_nothing_heavy(
    subprocess_options: dict[str, Any], argv: list[str]
) -> None:
    code = (
        "import sys\n"
        "from client.cli import main\nfrom client.environment import Environment\n"
        "main(Environment.from_process())\n"
        "heavy = {'httpx', 'ssl', 'dotenv', 'rich', 'client.importing.job', 'fastapi', 'db'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, "import", *argv],
        capture_output=True,
        check=False,
        **subprocess_options,
    )
    assert ended.returncode == 0, ended.stderr


def test_ctrl_c_exits_130_and_keeps_checkpoint(
    subprocess_options: dict[str, Any], export: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        process = subprocess.Popen(
            [*COMMAND, "timesheets", str(export), "--url", url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **subprocess_options,
        )
        connection, _ = silent.accept()
        with connection:
            connection.recv(100)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=START_SECONDS)
    assert (process.returncode, out, err) == (130, "", "Interrupted.\n")
    assert (export.parent / ".import" / "export.csv.json").exists()


def test_request_does_not_load_import_modules(subprocess_options: dict[str, Any]) -> None:
    code = (
        "import sys\nimport encore.client.client, client.cli\n"
        "sys.exit(any(name.startswith('client.importing') for name in sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False, **subprocess_options)
    assert ended.returncode == 0


def test_modules_have_at_most_300_lines() -> None:
    for path in (ROOT / "client" / "importing").glob("*.py"):
        assert len(path.read_text().splitlines()) <= 300, path.name
