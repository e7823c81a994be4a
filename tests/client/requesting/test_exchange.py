"""--offline and --verbose: the exchange is shown, its secrets are not."""

from pathlib import Path
from typing import Any

import pytest

from client import __version__
from client.requesting.masking import mask_headers, mask_text
from tests.client.conftest import SECRET


def test_offline_shows_the_request_and_sends_nothing(run: Any, api: Any) -> None:
    result = run(api.url + "/a?b=1", "post", "n=1", "Prefer:x", "--offline", ISSUER=None)
    assert (result.code, result.err, api.requests) == (0, "", [])
    host = api.url.removeprefix("http://")
    assert result.out == (
        f"POST /a?b=1 HTTP/1.1\nHost: {host}\nPrefer: x\nContent-Type: application/json\n"
        f"Accept: application/json\nUser-Agent: encore-client/{__version__}\n"
        "Authorization: Bearer ***\nContent-Length: 10\n\n"
        '{"n": "1"}\n'
    )


def test_offline_is_what_is_sent(run: Any, api: Any) -> None:
    argv = (f"{api.url}/a", "n:=1", "x==2", "X-Y:z")
    shown = run(*argv, "--offline").out
    assert run(*argv).code == 0
    request = api.requests[0]
    assert shown.startswith(f"{request.method} {request.path} HTTP/1.1\n")
    head, _, body = shown.rstrip("\n").partition("\n\n")
    assert request.body.decode() == body
    shown_headers = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:])
    sent = {
        n: v for n, v in request.headers.items() if n not in {"authorization", "accept-encoding"}
    }
    shown_headers.pop("authorization")
    assert shown_headers == sent


def test_verbose_shows_both_heads_on_stderr_without_the_token(run: Any, api: Any) -> None:
    api.respond(201, {"id": 1}, Location="/parts/1", Set_Cookie="session=hidden")
    result = run(api.url, "post", '{"password": "hidden", "n": 1}', "-v")
    assert (result.code, result.json) == (0, {"id": 1})
    for line in (
        "> POST / HTTP/1.1",
        "> Authorization: Bearer ***",
        '{"password": "***", "n": 1}',
        "< HTTP/1.0 201 Created".replace("1.0", "1.1"),
        "< Location: /parts/1",
        "< Set-Cookie: ***",
    ):
        assert line in result.err.splitlines()
    token = api.requests[0].token.removeprefix("Bearer ")
    assert token not in result.err + result.out
    assert "hidden" not in result.err


def test_verbose_shows_the_token_request_without_the_secret(run: Any, api: Any) -> None:
    result = run(api.url, "-v")
    assert "/v1/token HTTP/1.1" in result.err
    assert "grant_type=client_credentials" in result.err
    assert "> authorization: basic ***" in result.err.lower()
    assert '"access_token":"***"' in result.err.replace(" ", "")
    again = run(api.url, "-v")
    assert "/v1/token" not in again.err
    assert SECRET not in result.err


def test_error_responses_are_shown_too(run: Any, api: Any) -> None:
    api.respond(404, {"title": "Not Found"}, "application/problem+json")
    result = run(api.url, "-v")
    assert result.code == 7
    assert "< HTTP/1.1 404 Not Found" in result.err


def test_binary_and_long_bodies_are_not_shown_in_full(run: Any, api: Any, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"\0\xff" * 5)
    assert "(10 bytes)" in run(api.url, "post", f"@{path}", "--offline").out
    path.write_bytes(b"a\n" * 100_000)
    assert len(run(api.url, "post", f"@{path}", "--offline").out) < 70_000


@pytest.mark.parametrize(
    "text",
    [
        '{"access_token": "hidden", "token_type": "Bearer"}',
        '{"a": {"client_secret":"hi\\"hidden"}}',
        "grant_type=x&client_secret=hidden&scope=a",
        "refresh_token=hidden",
        "/callback?code=hidden&state=1",
        '{"token": 5, "password": "hidden',
    ],
)
def test_members_that_hold_secrets_are_masked(text: str) -> None:
    masked = mask_text(text)
    assert "hidden" not in masked
    assert "***" in masked


def test_what_is_no_secret_is_shown() -> None:
    text = '{"name": "token", "codes": [1], "partCode": "x"}'
    assert mask_text(text) == text
    assert mask_headers([("Idempotency-Key", "k"), ("Cookie", "a=b"), ("Authorization", "x")]) == [
        ("Idempotency-Key", "k"),
        ("Cookie", "***"),
        ("Authorization", "***"),
    ]
