"""Hints beside errors, --json-errors, and retries."""

import json
from pathlib import Path
from typing import Any

import pytest

from client.importing import retries
from tests.fixtures.workers import free_port


def test_missing_scope_is_named_with_what_to_request(run: Any, api: Any) -> None:
    challenge = 'Bearer error="insufficient_scope", scope="read:timesheets other"'
    api.respond(403, {"title": "Forbidden"}, "application/problem+json", WWW_Authenticate=challenge)
    result = run(api.url, SCOPE="other")
    assert result.code == 7
    assert result.err.splitlines()[0] == "403 Forbidden"
    assert "lacks the scope read:timesheets" in result.err
    assert "SCOPE='other read:timesheets'" in result.err


def test_token_of_the_environment_cannot_be_requested_with_a_scope(run: Any, api: Any) -> None:
    api.respond(403, {"title": "Forbidden"}, WWW_Authenticate='Bearer scope="other"')
    result = run(api.url, TOKEN="a.b")
    assert (
        "needs the scope other: set TOKEN in the environment to a token that has other"
        in result.err
    )


def test_scope_that_was_requested_and_not_granted_is_said_to_be(run: Any, api: Any) -> None:
    api.respond(403, {"title": "Forbidden"}, WWW_Authenticate='Bearer scope="other"')
    assert "which was requested, and the issuer did not grant" in run(api.url, SCOPE="other").err


def test_rejected_new_token_names_the_issuer(run: Any, api: Any, issuer: str) -> None:
    api.respond(401, {"title": "Invalid"}, "application/problem+json")
    result = run(api.url)
    assert result.code == 7
    assert issuer in result.err


def test_refused_connection_asks_whether_the_service_runs(run: Any, tmp_path: Path) -> None:
    (tmp_path / ".env.local").write_text(f"API_URL=http://localhost:{free_port()}\n")
    result = run("parts", TOKEN="a")
    assert result.code == 5
    assert "Is `make run` running?" in result.err
    assert "from .env.local." in result.err
    assert result.err.count("\n") == 1


def test_unreachable_issuer_is_named_with_the_source_of_its_address(run: Any, api: Any) -> None:
    address = f"http://localhost:{free_port()}"
    result = run(api.url, ISSUER=f"{address}/a")
    assert (result.code, api.requests) == (5, [])
    assert f"ISSUER is {address}/a, from the environment." in result.err


def test_tls_to_a_plain_server_says_use_http(run: Any, api: Any) -> None:
    result = run(api.url.replace("http:", "https:"), TOKEN="a")
    assert result.code == 5
    assert "use http://" in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<p>The plain HTTP request was sent to HTTPS port</p>",
        b"Client sent an HTTP request to an HTTPS server.\n",
    ],
)
def test_plain_http_to_a_tls_server_says_use_https(run: Any, api: Any, body: bytes) -> None:
    api.respond(400, body, "text/plain")
    assert "use https://" in run(api.url).err


def test_address_on_this_machine_is_not_said_to_be_from_api_url(run: Any) -> None:
    result = run(f":{free_port()}/parts", TOKEN="a", API_URL="http://localhost:1")
    assert (result.code, "API_URL" in result.err) == (5, False)


def test_unknown_path_of_a_server_without_problem_documents_names_api_url(
    run: Any, api: Any
) -> None:
    api.respond(404, b"<html>", "text/html")
    result = run("parts", API_URL=api.url)
    assert f"API_URL is {api.url}, from the environment." in result.err
    api.respond(404, {"title": "Not Found"}, "application/problem+json")
    assert "API_URL" not in run("parts/9", API_URL=api.url).err


@pytest.mark.parametrize(
    ("argv", "code", "document"),
    [
        (["--json-errors"], 7, {"title": "Not Found", "status": 404, "x": [1.5]}),
        (["--json-errors", "--table", "--csv"], 1, None),
    ],
)
def test_error_is_printed_as_json_on_stdout_too(
    run: Any, api: Any, argv: list[str], code: int, document: Any
) -> None:
    api.respond(404, document, "application/problem+json")
    result = run(api.url, *argv)
    assert result.code == code
    assert result.err.strip()
    if document is None:
        assert result.json["exit_code"] == 1
        assert "exclude each other" in result.json["title"]
    else:
        assert result.json == document


def test_error_that_is_not_json_has_its_status_in_the_document(run: Any, api: Any) -> None:
    api.respond(503, b"<html>", "text/html")
    result = run(api.url, "--json-errors")
    assert json.loads(result.out) == {
        "title": "503 Service Unavailable",
        "exit_code": 8,
        "status": 503,
    }


@pytest.fixture
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.0)
    monkeypatch.setattr(retries, "MAX_WAIT_SECONDS", 0.0)


@pytest.mark.usefixtures("_no_waits")
@pytest.mark.parametrize("argv", [[], ["post", "{}", "Idempotency-Key:k"]])
def test_request_that_can_be_repeated_is_sent_again(run: Any, api: Any, argv: list[str]) -> None:
    for status in (503, 429, 409):
        api.respond(status, {}, "application/problem+json", Retry_After="0")
    result = run(api.url, *argv, "--retries", "3")
    assert (result.code, result.out) == (0, "[]\n")
    assert "attempt 4 of 4" in result.err
    assert len({(request.method, request.body) for request in api.requests}) == 1


@pytest.mark.usefixtures("_no_waits")
def test_failure_after_the_last_retry_is_reported_once(run: Any, api: Any) -> None:
    for _ in range(2):
        api.respond(503, {"title": "Busy"}, "application/problem+json")
    result = run(api.url, "--retries", "1")
    assert (result.code, len(api.requests)) == (8, 2)
    assert result.err.splitlines()[-1] == "503 Busy"


@pytest.mark.usefixtures("_no_waits")
def test_rejected_request_is_not_sent_again(run: Any, api: Any) -> None:
    api.respond(409, {"title": "Conflict"}, "application/problem+json")
    assert run(api.url, "--retries", "5").code == 7
    assert len(api.requests) == 1


def test_lost_connection_while_reading_is_retried_too(run: Any, api: Any) -> None:
    api.respond(200, b"[", "application/json", Content_Length="5")
    result = run(api.url, "--retries", "1")
    assert (result.code, result.out, len(api.requests)) == (0, "[]\n", 2)


def test_not_modified_is_not_taken_for_a_redirect(run: Any, api: Any) -> None:
    api.respond(304, b"")
    result = run(api.url, 'If-None-Match:"x"')
    assert (result.code, result.out) == (9, "")
    assert result.err.startswith("304 Not Modified")


def test_wrong_secret_names_the_sources_of_the_credentials(
    run: Any, api: Any, tmp_path: Path
) -> None:
    (tmp_path / ".env.local").write_text("CLIENT_SECRET=mistaken\n")
    result = run(api.url, CLIENT_SECRET=None)
    assert (result.code, api.requests) == (6, [])
    assert "CLIENT_ID is dev, from the environment; CLIENT_SECRET is from .env.local." in result.err
    assert "mistaken" not in result.err


def test_json_errors_do_not_follow_rows_that_are_written(run: Any, api: Any) -> None:
    api.respond(200, [1], Link='</2>; rel="next"')
    api.respond(500, {"title": "Broken"}, "application/problem+json")
    result = run(api.url, "--all", "--json-errors")
    assert (result.code, result.out) == (8, "[\n  1")
    assert "500 Broken" in result.err


def test_compressed_response_that_was_not_asked_for_is_refused(run: Any, api: Any) -> None:
    api.respond(200, b"\x1f\x8b", Content_Encoding="gzip")
    result = run(api.url)
    assert (result.code, result.out) == (9, "")
    assert "responded with gzip" in result.err


def test_timeout_counts_for_the_issuer_too(run: Any, silent_url: str, api: Any) -> None:
    result = run(api.url, "--timeout", "0.2", ISSUER=f"{silent_url}a")
    assert (result.code, api.requests) == (5, [])
    assert "did not respond in time" in result.err
    assert "ISSUER is" in result.err
