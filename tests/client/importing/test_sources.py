"""Where rows come from: files, standard input, URLs; CSV, NDJSON, JSON."""

import json
import time
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.client.importing.conftest import ImportRun, UploadApi, csv_of, plain_rows

ROWS = [
    {"user_id": "007", "date": "2017-05-10T08:00Z", "project": "StoreZero", "hours": 7.5},
    {"user_id": "008", "year": 2016, "week": 24, "project": "StoreZero", "hours": 20},
]
NDJSON = "".join(f"{json.dumps(row)}\n" for row in ROWS)
CSV = "user_id,date,year,week,project,hours\n007,2017-05-10T08:00Z,,,StoreZero,7.5\n"
CSV += "008,,2016,24,StoreZero,20\n"


def sent(api: UploadApi) -> list[dict[str, Any]]:
    """Give all rows that were sent, without their natural keys."""
    keys = ("source", "external_id")
    return [
        {name: value for name, value in row.items() if name not in keys}
        for request in api.requests
        for row in request.rows
    ]


SENT = [{**ROWS[0], "date": "2017-05-10T08:00:00.000Z"}, ROWS[1]]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", CSV),
        ("a.CSV", "\ufeff" + CSV.replace("\n", "\r\n\r\n")),
        ("a.ndjson", NDJSON),
        ("a.jsonl", f"\n{NDJSON.rstrip()}"),
        ("a.json", json.dumps(ROWS)),
        ("a.json", f" {json.dumps(ROWS, indent=4)}\n"),
    ],
)
def test_all_formats_yield_the_same_rows(
    run: ImportRun, api: UploadApi, tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_bytes(content.encode())
    assert run(tmp_path / name).code == 0
    assert sent(api) == SENT
    assert {source for source, _ in api.entries} == {name}


def test_standard_input_requires_format_and_is_named_stdin(run: ImportRun, api: UploadApi) -> None:
    outcome = run("-", stdin=NDJSON.encode())
    assert (outcome.code, api.requests) == (1, [])
    assert "--format csv, ndjson, json" in outcome.err
    assert run("-", "--format", "ndjson", stdin=NDJSON.encode()).code == 0
    assert sent(api) == SENT
    assert {source for source, _ in api.entries} == {"stdin"}


def test_format_option_overrides_suffix(run: ImportRun, api: UploadApi, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(NDJSON)
    assert run(tmp_path / "a.csv", "--format", "ndjson").code == 0
    assert sent(api) == SENT


def test_single_json_object_is_one_row(run: ImportRun, api: UploadApi, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(ROWS[0]))
    assert run(tmp_path / "a.json").code == 0
    assert sent(api) == SENT[:1]


def test_empty_array_and_header_only_send_nothing(
    run: ImportRun, api: UploadApi, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text("[]")
    (tmp_path / "a.csv").write_text(csv_of())
    assert [run(tmp_path / name).code for name in ("a.json", "a.csv")] == [0, 0]
    assert api.requests == []


def test_cells_may_contain_line_ends_and_delimiters(
    run: ImportRun, api: UploadApi, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(csv_of('007,2017-05-10,"Store,\nZero",5,E1'))
    run(tmp_path / "a.csv")
    assert api.requests[0].rows[0]["project"] == "Store,\nZero"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", csv_of('007,2017-05-10,"Store').encode(), "unexpected end of data"),
        ("a.csv", csv_of('007,2017-05-10,"Sto"re,5,E1').encode(), "expected after"),
        ("a.csv", csv_of("007,2017-05-10,Pão,5,E1").encode("latin-1"), "is not utf-8"),
        ("a.csv", b"user_id,hour\n", "'hour' is not one of our fields (did you mean hours?)"),
        ("a.csv", b"user_id,hours,hours\n", "'hours' more than once"),
        ("a.csv", csv_of("x" * 1_100_000).encode(), "longer than"),
        ("a.json", b'[{"a": 1}', "cannot be read"),
        ("a.json", b'[{"a": 1} {"a": 1}]', "a comma or ] is missing"),
        ("a.json", b"[] []", "unexpected data after"),
        ("a.json", b"[" * 100_000, "cannot be read"),
        ("a.json", b"[1, NaN]", "row 2 is not JSON: NaN is not JSON"),
        ("a.json", b'[{}, {"a" 1}]', "row 2 is not JSON: Expecting ':' delimiter"),
        ("a.json", b'["' + b"x" * 1_200_000, "row 1 is not JSON, or longer than 1048576"),
    ],
)
def test_unreadable_source_exits_12_with_reason(
    run: ImportRun, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    outcome = run(tmp_path / name)
    assert outcome.code == 12
    assert words in outcome.err


def test_missing_file_is_reported_in_one_line(run: ImportRun) -> None:
    outcome = run("missing.csv")
    assert (outcome.code, outcome.err) == (
        12,
        "missing.csv cannot be read: No such file or directory.\n",
    )


def test_unreadable_source_leaves_no_checkpoint(run: ImportRun, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"")
    for name in ("missing.csv", "a.csv"):
        run(name)
    assert not list(tmp_path.glob(".import/*.json"))


class External:
    """The external system: answers each GET by what it was told, and remembers what was asked."""

    def __init__(self) -> None:
        self.status, self.content, self.headers = 200, CSV.encode(), {"Content-Type": "text/csv"}
        self.failures: list[int] = []
        """Statuses of the next answers; 0 breaks off in the middle of the body."""
        self.asked: list[tuple[str, str | None]] = []
        external = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                external.asked.append((self.path, self.headers["Authorization"]))
                failure = external.failures.pop(0) if external.failures else external.status
                self.send_response(failure or 200)
                for name, value in external.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(external.content)))
                self.end_headers()
                half = len(external.content) // 2
                self.wfile.write(external.content if failure else external.content[:half])

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://localhost:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def external() -> Iterator[External]:
    external = External()
    yield external
    external.stop()


@pytest.mark.parametrize(
    ("path", "media_type", "content"),
    [
        ("/export", "text/csv; charset=utf-8", CSV),
        ("/export", "application/x-ndjson", NDJSON),
        ("/export", "application/json", json.dumps(ROWS)),
        ("/export.csv", "application/octet-stream", CSV),
    ],
)
def test_format_of_url_from_media_type_or_suffix(
    run: ImportRun, api: UploadApi, external: External, *, path: str, media_type: str, content: str
) -> None:
    external.content, external.headers = content.encode(), {"Content-Type": media_type}
    assert run(f"{external.origin}{path}?key=1#part").code == 0
    assert sent(api) == SENT
    host = external.origin.removeprefix("http://")
    assert {source for source, _ in api.entries} == {f"{host}{path}"}
    assert external.asked == [(f"{path}?key=1", None)]


def test_url_is_requested_with_source_credentials(run: ImportRun, external: External) -> None:
    url = f"{external.origin}/export"
    run(url, IMPORT_SOURCE_TOKEN="theirs")
    run(url, IMPORT_SOURCE_USER="me", IMPORT_SOURCE_PASSWORD="sésame:1")
    basic = b64encode("me:sésame:1".encode()).decode()
    assert [sent for _, sent in external.asked] == ["Bearer theirs", f"Basic {basic}"]


def test_source_credentials_from_env_local(
    run: ImportRun, external: External, tmp_path: Path
) -> None:
    (tmp_path / ".env.local").write_text("IMPORT_SOURCE_TOKEN=kept\n")
    run(f"{external.origin}/export")
    assert external.asked[0][1] == "Bearer kept"


def test_source_credentials_are_not_sent_to_api(
    run: ImportRun, api: UploadApi, external: External
) -> None:
    run(f"{external.origin}/export", IMPORT_SOURCE_TOKEN="theirs")
    assert "theirs" not in str(api.requests)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"IMPORT_SOURCE_TOKEN": "t", "IMPORT_SOURCE_USER": "u"}, "both set"),
        ({"IMPORT_SOURCE_USER": "u"}, "IMPORT_SOURCE_PASSWORD is not set"),
        ({"IMPORT_SOURCE_PASSWORD": "p"}, "IMPORT_SOURCE_USER is not set"),
        ({"IMPORT_SOURCE_TOKEN": "a\nb"}, "IMPORT_SOURCE_TOKEN contains"),
        ({"IMPORT_SOURCE_USER": "a:b", "IMPORT_SOURCE_PASSWORD": "p"}, "must not contain a colon"),
        ({"IMPORT_URL": "localhost"}, "IMPORT_URL must start with"),
    ],
)
def test_contradictory_settings_are_reported_by_name(
    run: ImportRun, export: Path, settings: dict[str, Any], words: str
) -> None:
    outcome = run(export, **settings)
    assert outcome.code == 11
    assert words in outcome.err


def test_password_in_url_is_rejected_and_not_printed(run: ImportRun) -> None:
    outcome = run("http://me:sesame@localhost/export.csv")
    assert outcome.code == 1
    assert "sesame" not in outcome.err


def test_source_credentials_over_http_are_refused(run: ImportRun) -> None:
    outcome = run("http://tempus.example/export.csv", IMPORT_SOURCE_TOKEN="theirs")
    assert outcome.code == 4
    assert "http://tempus.example is not https" in outcome.err


def test_insecure_sends_source_credentials_over_http(
    run: ImportRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    url = "http://tempus.invalid/export.csv"
    outcome = run(url, "--insecure", "--attempts", "1", IMPORT_SOURCE_TOKEN="theirs")
    assert outcome.code == 12
    assert "cannot be reached" in outcome.err


def test_since_is_sent_as_mapped_query_parameter(
    run: ImportRun, api: UploadApi, external: External, tmp_path: Path
) -> None:
    (tmp_path / "m.toml").write_text('since_parameter = "from"')
    mapping = ("--mapping", tmp_path / "m.toml", "--since", "2017-05-01")
    assert run(f"{external.origin}/export?key=a%20b", *mapping).code == 0
    assert external.asked[0][0] == "/export?key=a%20b&from=2017-05-01"
    assert sent(api) == SENT[:1]


@pytest.mark.parametrize(("status", "times"), [(401, 1), (404, 1), (302, 1), (503, 8), (429, 8)])
def test_error_of_external_system_is_retried_only_if_transient(
    run: ImportRun, external: External, status: int, times: int
) -> None:
    external.status = status
    outcome = run(f"{external.origin}/export")
    assert outcome.code == 12
    assert f"did not return rows: {status}" in outcome.err
    assert len(external.asked) == times


def test_cut_off_source_is_read_again_after_acknowledged_rows(
    run: ImportRun, api: UploadApi, external: External
) -> None:
    external.content = csv_of(*plain_rows(4000)).encode()
    external.failures = [0, 503, 0]
    assert run(f"{external.origin}/export", "--batch-size", "500").code == 0
    assert len(external.asked) == 4
    assert len(sent(api)) == len(api.entries) == 4000


def test_url_is_streamed(run: ImportRun, api: UploadApi, waiting: str) -> None:
    assert run(waiting, "--batch-size", "1").code == 0
    assert len(api.entries) == 2


@pytest.fixture
def waiting(api: UploadApi) -> Iterator[str]:
    """An external system that sends its last row only when its first one is imported."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-ndjson")
            self.end_headers()
            first, second = (json.dumps(row).encode() + b"\n" for row in ROWS)
            # The reader takes 8 KiB at once.
            self.wfile.write(first + b" " * 10_000 + b"\n")
            self.wfile.flush()
            deadline = time.monotonic() + 10
            while not api.entries and time.monotonic() < deadline:
                time.sleep(0.01)
            if not api.entries:
                return
            self.wfile.write(second)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://localhost:{server.server_port}/export"
    server.shutdown()
    thread.join()
    server.server_close()
