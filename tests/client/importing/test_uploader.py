"""Uploads: batches, idempotency keys, tokens, error responses, retries."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from jose import jwt

from client.exit_codes import ExitCode, exit_code_of
from client.importing import FileSource, ImportJob, ImportOptions, ImportSettings, Progress
from encore.client.errors import ClientError
from tests.client.importing.conftest import FakeUploadApi, Fault, ImportRun, csv_of, plain_rows


@dataclass
class RecordingProgress(Progress):
    """Records messages."""

    lines: list[str]

    def message(self, line: str) -> None:
        self.lines.append(line)


def test_only_scope_batch_upload_is_requested(
    run: ImportRun, api: FakeUploadApi, export: Path
) -> None:
    run(export, SCOPE="everything else")
    token = api.requests[0].headers["authorization"].removeprefix("Bearer ")
    assert jwt.get_unverified_claims(token)["scp"] == ["batch:upload"]


def test_token_in_the_environment_is_sent_without_an_issuer(
    run: ImportRun, api: FakeUploadApi, export: Path
) -> None:
    url = {"IMPORT_URL": api.url}
    result = ImportRun({**url, "TOKEN": "mine"}, run.directory)(export)
    assert (result.code, result.err.count("Traceback")) == (0, 0), result.err
    assert {request.headers["authorization"] for request in api.requests} == {"Bearer mine"}


def test_batches_are_ndjson_in_partial_mode(
    run: ImportRun, api: FakeUploadApi, export: Path
) -> None:
    run(export, "--batch-size", "2")
    assert [len(request.rows) for request in api.requests] == [2, 2, 1]
    for request in api.requests:
        assert request.path == "/timesheets/upload"
        assert request.query == {"mode": "partial", "report": "rejected"}
        assert request.headers["content-type"] == "application/x-ndjson"


def test_batch_ends_at_maximum_body_size(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path
) -> None:
    project = "x" * 900_000
    rows = [
        {"user_id": "007", "project": project, "hours": 1, "year": 2017, "week": n}
        for n in range(1, 21)
    ]
    (tmp_path / "a.ndjson").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert run(tmp_path / "a.ndjson").code == 0
    assert [len(request.rows) for request in api.requests] == [10, 10]


def test_url_option_overrides_setting(run: ImportRun, api: FakeUploadApi, export: Path) -> None:
    assert run(export, "--url", f"{api.url}?more=1", IMPORT_URL="http://localhost:1/").code == 0
    assert api.requests[0].query["more"] == "1"
    assert run(export, "--url", "localhost:3000").code == 1


@pytest.mark.parametrize("status", [0, 408, 425, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("carried_out", [False, True])
def test_batch_without_response_is_retried_with_same_key_and_body(
    run: ImportRun, api: FakeUploadApi, export: Path, status: int, *, carried_out: bool
) -> None:
    api.faults += [Fault(status, carried_out=carried_out), Fault(status), None, Fault(status)]
    result = run(export, "--batch-size", "3")
    assert result.code == 0
    assert "5 created, 0 updated, 0 unchanged" in result.err
    first, again, once_more, second, again_second = api.requests
    assert first.body == again.body == once_more.body != second.body == again_second.body
    keys = [request.headers["idempotency-key"] for request in api.requests]
    assert keys[0] == keys[1] == keys[2] != keys[3] == keys[4]
    assert "Trying again in 0.0 s (attempt 2 of 8)." in result.err


def test_retry_after_is_honoured(run: ImportRun, api: FakeUploadApi, export: Path) -> None:
    api.faults += [Fault(503, retry_after="1")]
    result = run(export)
    assert result.code == 0
    assert "Trying again in 1.0 s" in result.err


@pytest.mark.parametrize(("status", "code"), [(503, 8), (429, 7), (0, 5)])
def test_persistent_failure_ends_import_after_attempts(
    run: ImportRun, api: FakeUploadApi, export: Path, status: int, code: int
) -> None:
    api.faults += [Fault(status)] * 3
    assert run(export, "--attempts", "3").code == code
    assert len(api.requests) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 413, 415, 422])
def test_permanent_error_ends_import_with_message_of_api(
    run: ImportRun, api: FakeUploadApi, export: Path, status: int
) -> None:
    problem = {"title": "Refused", "detail": "for this reason"}
    api.faults += [Fault(status, body=json.dumps(problem).encode())]
    result = run(export)
    assert (result.code, len(api.requests)) == (7, 1)
    assert f"{status} Refused: for this reason" in result.err


def test_expired_token_is_renewed(run: ImportRun, api: FakeUploadApi, export: Path) -> None:
    api.faults += [None, Fault(401)]
    assert run(export, "--batch-size", "3").code == 0
    tokens = [request.headers["authorization"] for request in api.requests]
    assert tokens[0] == tokens[1] != tokens[2]
    assert api.requests[1].body == api.requests[2].body


def test_rejected_new_token_ends_import(run: ImportRun, api: FakeUploadApi, export: Path) -> None:
    api.faults += [Fault(401)]
    assert run(export).code == 7
    assert len(api.requests) == 1


def test_second_run_uses_new_idempotency_keys(
    run: ImportRun, api: FakeUploadApi, export: Path
) -> None:
    assert "5 created" in run(export).err
    assert "0 created, 0 updated, 5 unchanged" in run(export).err
    first, second = api.requests
    assert first.body == second.body
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'{"created":1,"updated":0,"unchanged":0,"rejected":0,"rows":[]}',
        b'{"created":4,"updated":0,"unchanged":0,"rejected":1,"rows":[]}',
        b'{"created":4,"updated":0,"unchanged":0,"rejected":1,"rows":[{"line":6,"errors":[]}]}',
        b'{"created":0,"rejected":5,"rows":[{"line":6,"status":"rejected","errors":[]}]}',
        b'{"created":"5","updated":0,"unchanged":0,"rejected":0,"rows":[]}',
        b'{"created":6,"updated":-1,"unchanged":0,"rejected":0,"rows":[]}',
        b'{"created":5,"updated":0,"unchanged":0,"rejected":0,"rows":7}',
        b"<html>",
    ],
)
def test_invalid_batch_report_ends_import(
    run: ImportRun, api: FakeUploadApi, export: Path, body: bytes
) -> None:
    api.faults += [Fault(200, body=body)]
    assert run(export).code == 9


def test_unreachable_issuer_is_retried(
    settings: ImportSettings, api: FakeUploadApi, export: Path, tmp_path: Path
) -> None:
    progress = RecordingProgress([])
    unreachable = ImportSettings(
        client=type(settings.client)(
            issuer="http://localhost:1/oauth2/default", client_id="a", client_secret="b"
        ),
        url=api.url,
    )
    options = ImportOptions(state=tmp_path / "state", attempts=3)
    job = ImportJob(FileSource(export), unreachable, options=options, progress=progress)
    with job, pytest.raises(ClientError) as failure:
        job.run()
    assert exit_code_of(failure.value) is ExitCode.NETWORK
    assert len(progress.lines) == 2
    assert "http://localhost:1 cannot be reached" in progress.lines[0]
    assert api.requests == []


def test_since_skips_earlier_rows(run: ImportRun, api: FakeUploadApi, tmp_path: Path) -> None:
    days = ("2017-04-30", "2017-05-01", "2017-05-02T00:00+02:00")
    rows = [f"007,{day},StoreZero,5,E{n}" for n, day in enumerate(days)]
    (tmp_path / "a.csv").write_text(csv_of(*rows))
    result = run(tmp_path / "a.csv", "--since", "2017-05-01")
    assert {key for _, key in api.entries} == {"E1", "E2"}
    assert "2 created, 0 updated, 0 unchanged, 0 rejected, 1 before 2017-05-01" in result.err


def test_dry_run_stores_nothing(run: ImportRun, api: FakeUploadApi, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv_of(*plain_rows(2), "007,2017-05-10,StoreZero,99,E9"))
    result = run(path, "--dry-run")
    assert result.code == 3
    assert result.err.startswith("Dry run of a.csv, nothing is written: 2 created")
    assert "--rejected FILE" in result.err
    assert (api.entries, run.state.exists()) == ({}, False)
    assert api.requests[0].query["dry_run"] == "true"
    assert "idempotency-key" not in api.requests[0].headers
    run(path, "--dry-run", "--rejected", tmp_path / "no.csv")
    assert "hours must not be 99" in (tmp_path / "no.csv").read_text()


def test_library_requests_only_scope_batch_upload(
    settings: ImportSettings, api: FakeUploadApi, export: Path, tmp_path: Path
) -> None:
    options = ImportOptions(state=tmp_path / "state")
    with ImportJob(FileSource(export), settings, options=options) as job:
        assert job.run().counts.created == 5
    token = api.requests[0].headers["authorization"].removeprefix("Bearer ")
    assert jwt.get_unverified_claims(token)["scp"] == ["batch:upload"]
