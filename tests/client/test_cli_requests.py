"""Requests with a real issuer and a fake API: responses, error responses, failures."""

import socket
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from jose import jwt

from tests.fixtures.workers import free_port


@pytest.mark.parametrize(
    ("body", "printed"),
    [
        (b"[]", "[]\n"),
        (b"{}", "{}\n"),
        (b'{"b":1,"a":null}', '{\n  "b": 1,\n  "a": null\n}\n'),
        ('{"name":"Pão"}'.encode(), '{\n  "name": "Pão"\n}\n'),
        (b"[1]", "[\n  1\n]\n"),
        (b"null", "null\n"),
        (b"", ""),
    ],
)
def test_response_is_printed_as_the_okta_sample_prints_it(
    run: Any, api: Any, body: bytes, printed: str
) -> None:
    api.respond(200, body)
    assert run(api.url) == (0, printed, "")


def test_token_is_requested_from_issuer_with_scope(run: Any, api: Any) -> None:
    run(api.url)
    scheme, token = api.requests[0].token.split(" ")
    assert scheme == "Bearer"
    assert jwt.get_unverified_claims(token)["scp"] == ["parts_manager"]


def test_issuer_with_trailing_slash_uses_auth0_token_endpoint(
    run: Any, api: Any, issuer: str
) -> None:
    origin = issuer.removesuffix("oauth2/default")
    assert run(api.url, ISSUER=origin).code == 0
    claims = jwt.get_unverified_claims(api.requests[0].token.removeprefix("Bearer "))
    assert (claims["iss"], claims["aud"]) == (origin, "api://default")


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        (
            400,
            {
                "title": "Validation failed",
                "detail": "Two values do not fit",
                "errors": [{"field": "name", "message": "too long"}, "id"],
            },
            7,
            ["400 Validation failed: Two values do not fit\n", "  name: too long\n", "  id\n"],
        ),
        (404, {"title": "Not Found", "detail": "Not Found"}, 7, ["404 Not Found\n"]),
        (403, {"title": "Forbidden", "message": "No scope"}, 7, ["403 Forbidden: No scope"]),
        (409, {"detail": 7, "errors": "x"}, 7, ["409 Conflict"]),
        (400, ["a"], 7, ["400 Bad Request"]),
        (500, {"title": "Broken", "request_id": "r1"}, 8, ["500 Broken", "request id: r1"]),
        (503, b"<html>", 8, ["503 Service Unavailable"]),
        (400, {"title": "\x1b[31mred"}, 7, ["400 ?[31mred"]),
        (422, {"title": "T", "errors": [{"field": {}, "message": 1}, 3, None]}, 7, ["422 T"]),
    ],
)
def test_error_response_is_printed_on_stderr(
    run: Any, api: Any, *, status: int, body: Any, code: int, words: list[str]
) -> None:
    api.respond(status, body, "application/problem+json")
    result = run(api.url)
    assert (result.code, result.out) == (code, "")
    for word in words:
        assert word in result.err


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"\xff\xfe", b"[" * 100_000, b"NaN"])
def test_json_that_is_malformed_exits_9(run: Any, api: Any, body: bytes) -> None:
    api.respond(200, body, "application/json")
    result = run(api.url)
    assert (result.code, result.out) == (9, "")
    assert "not JSON (application/json)" in result.err


@pytest.mark.parametrize("media_type", ["text/html", "text/plain; charset=utf-8", "text/csv"])
def test_response_of_another_media_type_is_printed_as_it_is(
    run: Any, api: Any, media_type: str
) -> None:
    api.respond(200, b"<html>hello</html>", media_type)
    assert run(api.url) == (0, "<html>hello</html>", "")


def test_json_of_an_unspecific_media_type_is_printed_as_json(run: Any, api: Any) -> None:
    api.respond(200, b"[1]", "text/plain")
    assert run(api.url) == (0, "[\n  1\n]\n", "")


def test_redirect_is_not_followed(run: Any, api: Any) -> None:
    api.respond(307, b"")
    result = run(api.url)
    assert result.code == 9
    assert "redirect (307)" in result.err
    assert len(api.requests) == 1


def test_unreachable_api_is_reported_in_one_line(run: Any) -> None:
    port = free_port()
    result = run(f"http://localhost:{port}/parts")
    assert (result.code, result.out) == (5, "")
    assert f"http://localhost:{port} cannot be reached" in result.err
    assert result.err.count("\n") == 1


def test_tls_to_plain_http_server_is_reported_in_one_line(run: Any, api: Any) -> None:
    result = run(api.url.replace("http:", "https:"))
    assert result.code == 5
    assert result.err.count("\n") == 1


def test_lost_connection_is_reported_in_one_line(run: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.recv(100)
            connection.close()

        thread = Thread(target=hang_up)
        thread.start()
        result = run(f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()
    assert result.code == 5
    assert result.err.count("\n") == 1


def test_host_rejected_by_idna_is_reported_in_one_line(run: Any) -> None:
    result = run("https://" + "a" * 70 + ".example\u00e9/")
    assert result.code == 5
    assert result.err.count("\n") == 1


def test_wrong_secret_is_reported_and_not_printed(run: Any, api: Any) -> None:
    result = run(api.url, CLIENT_SECRET="mistaken")
    assert (result.code, result.out, api.requests) == (6, "", [])
    assert "401 invalid_client" in result.err
    assert "mistaken" not in result.err


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b"<html>", 9),
        (200, [], 9),
        (200, {"access_token": "a b", "token_type": "Bearer"}, 9),
        (200, {"access_token": "a\r\nb", "token_type": "Bearer"}, 9),
        (200, {"access_token": "", "token_type": "Bearer"}, 9),
        (200, {"access_token": "a", "token_type": "MAC"}, 9),
        (302, b"", 9),
        (500, b"broken", 6),
        (400, {"error": "invalid_scope", "error_description": "the-secret-of-the-test"}, 6),
        (400, {"errorCode": "E0000011", "errorSummary": "Nothing here"}, 6),
    ],
)
def test_issuer_without_token_is_reported_without_traceback(
    run: Any, fake_server: Callable[[], Any], status: int, body: Any, code: int
) -> None:
    other = fake_server()
    other.respond(status, body)
    result = run("http://localhost:1/", ISSUER=f"{other.url}/oauth2/default")
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("ISSUER ")


@pytest.mark.parametrize(
    ("url", "issuer_url"),
    [("http://api.example/parts", None), ("http://localhost:1/", "http://issuer.example/a")],
)
def test_http_to_another_machine_is_refused(run: Any, url: str, issuer_url: str | None) -> None:
    result = run(url, **({"ISSUER": issuer_url} if issuer_url else {}))
    assert (result.code, result.out) == (4, "")
    assert "in clear" in result.err
    assert "--insecure" in result.err


def test_insecure_allows_http_to_another_machine(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    assert run("http://api.invalid/parts", "--insecure").code == 5
