"""Sources: files, standard input, URLs with credentials."""

import json
import time
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.client.importing.conftest import FakeUploadApi, ImportRun, csv_of, plain_rows
from tests.client.importing.sample_rows import CSV, NDJSON, ROWS, SENT, sent
from tests.fixtures.system import START_SECONDS


def test_standard_input_requires_format_and_is_named_stdin(
    run: ImportRun, api: FakeUploadApi
) -> None:
    result = run("-", stdin=NDJSON.encode())
    assert (result.code, api.requests) == (1, [])
    assert "--format csv, ndjson, json" in result.err
    assert run("-", "--format", "ndjson", stdin=NDJSON.encode()).code == 0
    assert sent(api) == SENT
    assert {source for source, _ in api.entries} == {"stdin"}


def test_format_option_overrides_suffix(run: ImportRun, api: FakeUploadApi, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(NDJSON)
    assert run(tmp_path / "a.csv", "--format", "ndjson").code == 0
    assert sent(api) == SENT


def test_missing_file_is_reported_in_one_line(run: ImportRun) -> None:
    result = run("missing.csv")
    assert (result.code, result.err) == (
        12,
        "missing.csv cannot be read: No such file or directory.\n",
    )


class ExternalSystem:
    """A fake external system: sends a prepared response to each GET and records requests."""

    def __init__(self) -> None:
        self.status, self.content, self.headers = 200, CSV.encode(), {"Content-Type": "text/csv"}
        self.failures: list[int] = []
        """Statuses of the next responses; 0 cuts the body in half."""
        self.requests: list[tuple[str, str | None]] = []
        external = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                external.requests.append((self.path, self.headers["Authorization"]))
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
def external() -> Iterator[ExternalSystem]:
    external = ExternalSystem()
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
    run: ImportRun,
    api: FakeUploadApi,
    external: ExternalSystem,
    *,
    path: str,
    media_type: str,
    content: str,
) -> None:
    external.content, external.headers = content.encode(), {"Content-Type": media_type}
    assert run(f"{external.origin}{path}?key=1#part").code == 0
    assert sent(api) == SENT
    host = external.origin.removeprefix("http://")
    assert {source for source, _ in api.entries} == {f"{host}{path}"}
    assert external.requests == [(f"{path}?key=1", None)]


def test_url_is_requested_with_source_credentials(run: ImportRun, external: ExternalSystem) -> None:
    url = f"{external.origin}/export"
    run(url, IMPORT_SOURCE_TOKEN="theirs")
    run(url, IMPORT_SOURCE_USER="me", IMPORT_SOURCE_PASSWORD="sésame:1")
    basic = b64encode("me:sésame:1".encode()).decode()
    assert [sent for _, sent in external.requests] == ["Bearer theirs", f"Basic {basic}"]


def test_source_credentials_from_env_local(
    run: ImportRun, external: ExternalSystem, tmp_path: Path
) -> None:
    (tmp_path / ".env.local").write_text("IMPORT_SOURCE_TOKEN=kept\n")
    run(f"{external.origin}/export")
    assert external.requests[0][1] == "Bearer kept"


def test_source_credentials_are_not_sent_to_api(
    run: ImportRun, api: FakeUploadApi, external: ExternalSystem
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
    result = run(export, **settings)
    assert result.code == 11
    assert words in result.err


def test_password_in_url_is_rejected_and_not_printed(run: ImportRun) -> None:
    result = run("http://me:sesame@localhost/export.csv")
    assert result.code == 1
    assert "sesame" not in result.err


def test_source_credentials_over_http_are_refused(run: ImportRun) -> None:
    result = run("http://tempus.example/export.csv", IMPORT_SOURCE_TOKEN="theirs")
    assert result.code == 4
    assert "http://tempus.example is not https" in result.err


def test_insecure_sends_source_credentials_over_http(
    run: ImportRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    url = "http://tempus.invalid/export.csv"
    result = run(url, "--insecure", "--attempts", "1", IMPORT_SOURCE_TOKEN="theirs")
    assert result.code == 12
    assert "cannot be reached" in result.err


def test_since_is_sent_as_mapped_query_parameter(
    run: ImportRun, api: FakeUploadApi, external: ExternalSystem, tmp_path: Path
) -> None:
    (tmp_path / "m.toml").write_text('since_parameter = "from"')
    mapping = ("--mapping", tmp_path / "m.toml", "--since", "2017-05-01")
    assert run(f"{external.origin}/export?key=a%20b", *mapping).code == 0
    assert external.requests[0][0] == "/export?key=a%20b&from=2017-05-01"
    assert sent(api) == SENT[:1]


@pytest.mark.parametrize(("status", "times"), [(401, 1), (404, 1), (302, 1), (503, 8), (429, 8)])
def test_error_of_external_system_is_retried_only_if_transient(
    run: ImportRun, external: ExternalSystem, status: int, times: int
) -> None:
    external.status = status
    result = run(f"{external.origin}/export")
    assert result.code == 12
    assert f"did not return rows: {status}" in result.err
    assert len(external.requests) == times


def test_cut_off_source_is_read_again_after_acknowledged_rows(
    run: ImportRun, api: FakeUploadApi, external: ExternalSystem
) -> None:
    external.content = csv_of(*plain_rows(4000)).encode()
    external.failures = [0, 503, 0]
    assert run(f"{external.origin}/export", "--batch-size", "500").code == 0
    assert len(external.requests) == 4
    assert len(sent(api)) == len(api.entries) == 4000


def test_url_is_streamed(run: ImportRun, api: FakeUploadApi, waiting: str) -> None:
    assert run(waiting, "--batch-size", "1").code == 0
    assert len(api.entries) == 2


@pytest.fixture
def waiting(api: FakeUploadApi) -> Iterator[str]:
    """A fake external system that sends its last row only after the first one is imported."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-ndjson")
            self.end_headers()
            first, second = (json.dumps(row).encode() + b"\n" for row in ROWS)
            # The reader reads 8 KiB at once.
            self.wfile.write(first + b" " * 10_000 + b"\n")
            self.wfile.flush()
            deadline = time.monotonic() + START_SECONDS
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
