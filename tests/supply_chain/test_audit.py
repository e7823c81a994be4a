"""The audit: a package that was not looked up is never reported as one without vulnerabilities.

pip-audit itself runs, against a database on this machine that speaks OSV's protocol.
"""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from supply_chain.audit import ACCEPTED, AuditReport, audit, judge
from supply_chain.lock_file import LockedPackage, read_lock_file
from tests.fixtures.workers import free_port

HASH = f"--hash=sha256:{'0' * 64}"
LOCK = f"""\
first==1.0 \\
    {HASH}
    # via encore-rest (pyproject.toml)
second==2.0 ; sys_platform == 'none' \\
    {HASH}
    # via first
third==3.0 \\
    {HASH}
    # via
    #   -c requirements.txt
    #   first
    #   Second
"""
CVE = {
    "id": "PYSEC-1",
    "aliases": ["CVE-1"],
    "summary": "s",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "third", "ecosystem": "PyPI"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1"}]},
            ],
            "versions": ["3.0"],
        }
    ],
}

Answer = Callable[[str], tuple[int, Any]]


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text(LOCK)
    return path


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """Return a function that serves an OSV database and returns its URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, document = answer(query["package"]["name"])
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/v1/query"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def run(path: Path, url: str) -> AuditReport:
    options = ["--vulnerability-service=osv", f"--osv-url={url}"]
    return audit(path, read_lock_file(path), options)


def summary(report: AuditReport) -> str:
    return list(report.lines())[-1]


@pytest.mark.processes
def test_vulnerable_package_is_reported_with_its_fix(
    lock_file: Path, serve: Callable[[Answer], str]
) -> None:
    url = serve(lambda name: (200, {"vulns": [CVE]} if name == "third" else {}))
    report = run(lock_file, url)
    (line,) = report.vulnerable
    assert line.startswith("third 3.0: ")
    assert "CVE-1" in line
    assert "fixed in 3.1" in line
    assert report.checked == ["first", "third"]
    assert list(report.not_run) == ["second"]  # pip-audit leaves out what is for other platforms.
    assert summary(report) == (
        "2 of 3 packages checked, 1 known vulnerabilities in them; NOT RUN for 1 of 3 packages"
    )


@pytest.mark.processes
@pytest.mark.parametrize("status", [404, 500])
def test_database_that_fails_is_not_run(
    lock_file: Path, serve: Callable[[Answer], str], status: int
) -> None:
    report = run(lock_file, serve(lambda _: (status, {})))
    assert (report.checked, report.vulnerable) == ([], [])
    assert set(report.not_run.values()) == {"the database could not be reached"}
    assert summary(report) == "NOT RUN for 3 of 3 packages"


@pytest.mark.processes
def test_unreachable_database_is_not_run(lock_file: Path) -> None:
    report = run(lock_file, f"http://127.0.0.1:{free_port()}/v1/query")
    assert summary(report) == "NOT RUN for 3 of 3 packages"


def test_skipped_package_is_not_run() -> None:
    """pip-audit reports it so, and says that no vulnerabilities are known."""
    packages = [LockedPackage("a", "1"), LockedPackage("b", "1"), LockedPackage("c", "1")]
    output = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": []},
            {"name": "b", "skip_reason": "not found on PyPI"},
            {"name": "c", "version": "2", "vulns": []},
        ]
    }
    report = judge(packages, output)
    assert report.checked == ["a"]
    assert list(report.not_run) == ["b", "c"]
    assert summary(report) == (
        "1 of 3 packages checked, 0 known vulnerabilities in them; NOT RUN for 2 of 3 packages"
    )


def test_accepted_vulnerability_is_shown_with_its_reason() -> None:
    (cve, reason), *_ = ACCEPTED.items()
    vulnerability = {"id": "PYSEC-2", "aliases": [cve], "fix_versions": []}
    entry = {"name": "ecdsa", "version": "0.19.2", "vulns": [vulnerability]}
    report = judge([LockedPackage("ecdsa", "0.19.2")], {"dependencies": [entry]})
    assert report.vulnerable == []
    (line,) = report.accepted
    assert line.endswith(f"fixed in no version: {reason}")
