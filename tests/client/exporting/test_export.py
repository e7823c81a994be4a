"""Exports of a running service: complete, cut off, killed, resumed; never shorter in silence."""

import fcntl
import gzip
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.client.conftest import FakeServer, Run
from tests.client.exporting.conftest import ROWS, CuttingProxy
from tests.fixtures.system import System, environment_of

pytestmark = [
    pytest.mark.processes,
    # What differs between databases is the service's: tests/streams/test_parts.py.
    pytest.mark.parametrize("items", ["sqlite"], indirect=True, scope="session"),
]

CSV, NDJSON = "text/csv", "application/x-ndjson"
PATH = "/items?source=export"
Stream = Callable[[str, str], bytes]


@pytest.mark.parametrize(
    ("argv", "path", "type_"),
    [
        (("items?source=export", "--output", "o.csv"), PATH, CSV),
        (
            ("items", "source=export", "sort=-name,id", "-o", "o.jsonl"),
            f"{PATH}&sort=-name,id",
            NDJSON,
        ),
        (("items", "id==0", "--format", "csv", "-o", "o"), "/items?id=0", CSV),
        (
            ("items", "fields=id", 'name__like=7"', "-o", "o.csv"),
            "/items?fields=id&name__like=7%22",
            CSV,
        ),
    ],
)
def test_export_is_the_stream(  # noqa: PLR0917 - fixtures, and a row of the table
    export: Run,
    stream: Stream,
    monkeypatch: pytest.MonkeyPatch,
    argv: tuple[str, ...],
    path: str,
    type_: str,
) -> None:
    monkeypatch.chdir(export.directory)
    result = export("export", *argv)
    assert (result.code, result.out) == (0, ""), result.err
    assert Path(argv[-1]).read_bytes() == stream(path, type_)
    assert re.fullmatch(r"Exported [\d,]+ rows, .* to o\S* in \d+\.\d s\.\n", result.err)
    assert [path.name for path in export.directory.glob("o*")] == [argv[-1]]


def test_export_to_stdout_is_the_stream(export: Run, stream: Stream) -> None:
    result = export("export", "items", "source=export", "--format", "ndjson", "--quiet")
    assert result == (0, stream(PATH, NDJSON).decode(), "")


def test_export_that_is_cut_off_is_resumed_to_the_same_bytes(
    export: Run, stream: Stream, proxy: CuttingProxy
) -> None:
    whole = stream(PATH, CSV)
    file = export.directory / "rows.csv"
    argv = ("export", f"{proxy.url}{PATH}", "--output", str(file))
    proxy.limits = [60_000]
    first = export(*argv)
    assert (first.code, first.out) == (5, "")
    assert first.err.endswith("rows.csv.part has what was received: --resume continues after it.\n")
    assert not file.exists()
    proxy.limits = [100_000]
    assert export(*argv, "--resume").code == 5
    last = export(*argv, "--resume")
    assert last.code == 0, last.err
    assert re.match(r"Resuming after \d+ rows\.\nExported 3,000 rows", last.err)
    assert file.read_bytes() == whole
    assert [path.name for path in export.directory.glob("rows*")] == ["rows.csv"]


@pytest.mark.parametrize("output", ["rows.ndjson", "-"])
def test_retries_continue_an_export_that_is_cut_off(
    export: Run, stream: Stream, proxy: CuttingProxy, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    monkeypatch.setattr("client.importing.retries.FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.chdir(export.directory)
    proxy.limits = [60_000, 0, 300_000]
    url = f"{proxy.url}{PATH}"
    result = export("export", url, "--format", "ndjson", "-o", output, "--retries", "3")
    assert result.code == 0, result.err
    assert result.err.count("Trying again") == 3
    written = result.out.encode() if output == "-" else Path(output).read_bytes()
    assert written == stream(PATH, NDJSON)


def test_killed_export_is_resumed_to_the_same_bytes(
    export: Run, stream: Stream, proxy: CuttingProxy
) -> None:
    file, state = export.directory / "rows.csv.gz", export.directory / "rows.csv.gz.part.json"
    proxy.limits, proxy.stall = [200_000], True
    argv = ("export", f"{proxy.url}{PATH}", "--output", str(file))
    environment = environment_of(**export.environment, XDG_STATE_HOME=str(export.directory / "s"))
    command = [sys.executable, "-m", "client", *argv]
    process = subprocess.Popen(
        command, env=environment, cwd=export.directory, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 30
    while not state.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    locked = export(*argv)
    assert (locked.code, "Another export writes" in locked.err) == (13, True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not file.exists()
    result = export(*argv, "--resume")
    assert (result.code, "Resuming after" in result.err) == (0, True), result.err
    assert gzip.decompress(file.read_bytes()) == stream(PATH, CSV)


def test_interrupted_export_says_that_it_can_be_resumed(export: Run, proxy: CuttingProxy) -> None:
    state = export.directory / "rows.csv.part.json"
    proxy.limits, proxy.stall = [60_000], True
    environment = environment_of(**export.environment, XDG_STATE_HOME=str(export.directory / "s"))
    command = [sys.executable, "-m", "client", "export", f"{proxy.url}{PATH}", "-o", "rows.csv"]
    process = subprocess.Popen(
        command, env=environment, cwd=export.directory, stderr=subprocess.PIPE, text=True
    )
    while not state.exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == (
        "rows.csv.part has what was received: --resume continues after it.\nInterrupted.\n"
    )


def rows_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_resumed_export_has_every_row_that_lasted_exactly_once(
    export: Run, service: System, proxy: CuttingProxy
) -> None:
    file = export.directory / "rows.ndjson"
    argv = ("export", f"{proxy.url}{PATH}&sort=name,-id", "--output", str(file))
    proxy.limits = [150_000]
    assert export(*argv).code == 5
    written = rows_of(file.parent / "rows.ndjson.part")
    names = {row["name"] for row in written}
    gone = [written[0], written[-1]]
    for row in gone:
        service.client.delete(f"/items/{row['id']}").raise_for_status()
    new = {"name": min(names), "source": "export", "external_id": "new"}
    added = service.client.post("/items", json=new).raise_for_status().json()
    assert export(*argv, "--resume").code == 0
    lasting = {row["id"] for row in service.client.get("/items?source=export&count=1").json()}
    rows = rows_of(file)
    counts = Counter(row["id"] for row in rows)
    assert set(counts.values()) == {1}
    assert len(rows) in {ROWS, ROWS + 1}
    assert lasting <= counts.keys() | {row["id"] for row in gone}
    service.client.delete(f"/items/{added['id']}").raise_for_status()
    for row in gone:
        del row["id"], row["createdAt"], row["updatedAt"]
        service.client.post("/items", json=row).raise_for_status()


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (
            lambda argv: (argv[0], argv[1] + "&sort=-id", *argv[2:]),
            1,
            "of another export, with url",
        ),
        (lambda argv: (*argv, "--format", "ndjson"), 1, "of another export, with format"),
        (lambda argv: (*argv, "--gzip"), 1, "of another export, with gzip"),
        (lambda argv: argv, 0, "Resuming after"),
    ],
)
def test_resumed_export_must_be_the_same(
    export: Run, proxy: CuttingProxy, *, change: Any, code: int, words: str
) -> None:
    file = export.directory / "rows.csv"
    argv = ("export", f"{proxy.url}{PATH}", "--output", str(file))
    proxy.limits = [60_000]
    assert export(*argv).code == 5
    result = export(*change(argv), "--resume")
    assert (result.code, words in result.err) == (code, True), result.err
    assert (file.parent / "rows.csv.part").exists() == bool(code)


def test_damaged_part_is_not_continued(export: Run, stream: Stream, proxy: CuttingProxy) -> None:
    file = export.directory / "rows.csv"
    argv = ("export", f"{proxy.url}{PATH}", "--output", str(file))
    proxy.limits = [60_000]
    assert export(*argv).code == 5
    with (export.directory / "rows.csv.part").open("r+b") as part:
        part.seek(100)
        part.write(b"#")
    result = export(*argv, "--resume")
    assert result.code == 0
    assert result.err.startswith("Nothing can be resumed")
    assert file.read_bytes() == stream(PATH, CSV)


def test_export_without_resume_starts_over_and_says_so(export: Run, proxy: CuttingProxy) -> None:
    argv = ("export", f"{proxy.url}{PATH}", "-o", str(export.directory / "rows.csv"))
    proxy.limits = [60_000]
    assert export(*argv).code == 5
    assert re.match(r"Starting over; --resume would have continued after \d+", export(*argv).err)


def test_cursor_that_the_api_rejects_is_reported(export: Run, proxy: CuttingProxy) -> None:
    argv = ("export", f"{proxy.url}{PATH}", "-o", str(export.directory / "rows.csv"))
    proxy.limits = [60_000]
    assert export(*argv).code == 5
    state = export.directory / "rows.csv.part.json"
    state.write_text(state.read_text().replace("cursor=", "cursor=A"))
    result = export(*argv, "--resume")
    assert result.code == 7
    assert "cursor" in result.err
    assert "--resume" in result.err


def test_position_at_another_server_is_refused(
    export: Run, proxy: CuttingProxy, api: FakeServer
) -> None:
    argv = ("export", f"{proxy.url}{PATH}", "-o", str(export.directory / "rows.csv"))
    proxy.limits = [60_000]
    assert export(*argv).code == 5
    state = export.directory / "rows.csv.part.json"
    members = json.loads(state.read_text())
    state.write_text(json.dumps(members | {"next_url": f"{api.url}/items"}))
    result = export(*argv, "--resume")
    assert (result.code, "only sent to" in result.err) == (1, True)
    assert api.requests == []


def test_link_beside_the_file_overwrites_nothing(export: Run, proxy: CuttingProxy) -> None:
    other, link = export.directory / "other", export.directory / "rows.csv.part.json.new"
    other.write_text("mine")
    link.symlink_to(other)
    proxy.limits = [60_000]
    url = f"{proxy.url}{PATH}"
    assert export("export", url, "-o", str(export.directory / "rows.csv")).code == 5
    assert other.read_text() == "mine"
    link.with_name("x.csv.part").symlink_to(other)
    assert export("export", url, "-o", str(export.directory / "x.csv")).code == 1
    assert other.read_text() == "mine"


@pytest.mark.parametrize(
    ("status", "body", "type_", "code", "words"),
    [
        (200, [], "application/json", 9, "with application/json instead of text/csv"),
        (200, b"a\r\n1\r\n", "text/csv", 0, "Exported 6 bytes"),
        (302, b"", "text/csv", 9, "redirect (302)"),
        (403, {"title": "Forbidden"}, "application/problem+json", 7, "403 Forbidden"),
        (500, {"title": "Broken"}, "application/problem+json", 8, "500 Broken"),
        (200, b"", "multipart/mixed; type=x", 9, "no boundary"),
        (200, b"--b--\r\n", "multipart/mixed; boundary=b", 0, "Exported 0 rows"),
        (200, b"--b\r\n", "multipart/mixed; boundary=b", 5, "cut off"),
        (200, b"junk\r\n", "multipart/mixed; boundary=b", 9, "malformed"),
        (
            200,
            b'--b\r\nContent-Length: 3\r\nLink: <http://x.example/>; rel="next"\r\n\r\nabc\r\n',
            "multipart/mixed; boundary=b",
            9,
            "only sent to http://localhost",
        ),
    ],
)
def test_response_of_another_kind_is_reported(
    export: Run, api: FakeServer, *, status: int, body: Any, type_: str, code: int, words: str
) -> None:
    api.respond(status, body, type_)
    file = export.directory / "o.csv"
    result = export("export", f"{api.url}/parts", "-o", str(file))
    assert (result.code, words in result.err) == (code, True), result.err
    assert file.exists() == (code == 0)
    assert list(export.directory.glob("o.csv.*")) == []


def test_full_disk_is_reported_and_the_old_file_stays(export: Run) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    result = export("export", "items", "--format", "csv", "-o", "/dev/full")
    assert result.code == 10
    assert "cannot be written" in result.err


def test_file_keeps_its_permissions_and_its_link(export: Run) -> None:
    target, link = export.directory / "target.csv", export.directory / "link.csv"
    target.touch(mode=0o600)
    link.symlink_to(target)
    assert export("export", "items", "id=0", "-o", str(link)).code == 0
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.read_text().startswith("id,")


def test_bar_is_drawn_on_a_terminal(export: Run) -> None:
    environment = environment_of(
        **export.environment, XDG_STATE_HOME=str(export.directory / "s"), TERM="xterm"
    )
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "client", "export", "items", "source=export", "-o", "r.csv"]
    process = subprocess.Popen(command, env=environment, cwd=export.directory, stderr=terminal)
    os.close(terminal)
    shown = b""
    while True:
        try:
            chunk = os.read(controller, 65_536)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
    os.close(controller)
    assert process.wait() == 0
    assert "━" in shown.decode()
    assert b"Exported 3,000 rows" in shown


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ((), "usage:"),
        (("items",), "--format csv or --format ndjson is needed"),
        (("items", "-o", "x.txt"), "is needed"),
        (("items", "name", "--format", "csv"), "must be NAME=VALUE"),
        (("items", "--format", "xml"), "invalid choice"),
        (("items#x", "--format", "csv"), "fragment"),
        (("items", "--format", "csv", "--resume"), "--resume needs --output"),
        (("items", "--format", "csv", "--retries", "-1"), "--retries"),
        (("items", "--format", "csv", "--timeout", "nan"), "--timeout"),
        (("items", "--format", "csv", "-o", "/dev/null", "--resume"), "not a regular file"),
        (("items", "--format", "csv", "-o", "/"), "is a folder"),
        (("items", "-o", "/no/such/folder/x.csv"), "nothing was sent"),
    ],
)
def test_invalid_arguments_are_refused(export: Run, argv: tuple[str, ...], words: str) -> None:
    result = export("export", *argv)
    assert (result.code, result.out) == (1, "")
    assert words in result.err


def test_part_is_locked_by_the_kernel(export: Run) -> None:
    part = export.directory / "x.csv.part"
    with part.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert export("export", "items", "-o", str(export.directory / "x.csv")).code == 13
