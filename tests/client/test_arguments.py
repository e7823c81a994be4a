"""Arguments are validated before anything is sent: usage, URL, method, body."""

from typing import Any

import pytest

from client.exit_codes import ExitCode
from encore.version import VERSION


def test_missing_url_prints_usage_on_stderr_and_exits_1(run: Any) -> None:
    result = run()
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("usage: python -m client ")
    assert "URL" in result.err


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_exits_0(run: Any, flag: str) -> None:
    result = run(flag)
    assert (result.code, result.err) == (0, "")
    assert "METHOD" in result.out


def test_help_lists_every_exit_code(run: Any) -> None:
    text = run("--help").out
    for code in set(ExitCode) - {ExitCode.PIPE_CLOSED}:
        assert f"{code.value} " in text


def test_version_equals_project_version(run: Any) -> None:
    assert run("--version").out == f"client {VERSION}\n"


@pytest.mark.parametrize(
    "argv",
    [
        ("parts",),
        ("/parts",),
        ("example.test:3000/parts",),
        ("ftp://localhost/parts",),
        ("http://",),
        ("http://:80/",),
        ("http://localhost:port/",),
        ("http://localhost:0/",),
        ("http://localhost:99999/",),
        ("http://[::1/",),
        ("http://user:word@localhost/",),
        ("http://local host/",),
        ("http://localhost/\n",),
        ("http://localhost/", '{"a":1}'),
        ("http://localhost/", "po st"),
        ("http://localhost/", "post", "{"),
        ("http://localhost/", "post", "NaN"),
        ("http://localhost/", "post", "'a'"),
        ("http://localhost/", "post", "[" * 100_000),
        ("http://localhost/", "post", '"\udcff"'),
        ("http://localhost/", "post", "{}", "more"),
        ("http://localhost/", "post", "{}", "name=more"),
        ("http://localhost/", "get", "name=Bread"),
        ("http://localhost/", "--unknown"),
    ],
)
def test_invalid_arguments_are_reported_before_anything_is_sent(
    run: Any, argv: tuple[str, ...]
) -> None:
    result = run(*argv, ISSUER="http://localhost:1/none")
    assert (result.code, result.out) == (1, "")
    assert result.err.strip()
    assert "user:word" not in result.err


def test_body_is_sent_unchanged(run: Any, api: Any) -> None:
    body = '{"n": 1.10, "big": 12345678901234567890123, "name": "Pão"}'
    assert run(f"{api.url}/parts", "post", body).code == 0
    assert api.requests[0].body == body.encode()
    assert api.requests[0].headers["content-type"] == "application/json"


def test_dash_reads_body_from_stdin(run: Any, api: Any) -> None:
    assert run(f"{api.url}/parts", "post", "-", stdin='{"a":1}').code == 0
    assert api.requests[0].body == b'{"a":1}'


@pytest.mark.parametrize(
    ("argv", "method"),
    [((), "GET"), (("get",), "GET"), (("PoSt", "{}"), "POST"), (("DELETE",), "DELETE")],
)
def test_method_is_case_insensitive_and_defaults_to_get(
    run: Any, api: Any, argv: tuple[str, ...], method: str
) -> None:
    assert run(api.url, *argv).code == 0
    assert api.requests[0].method == method


def test_flag_between_positional_arguments_is_accepted(run: Any, api: Any) -> None:
    assert run(api.url, "--insecure", "post", "{}").code == 0
    assert (api.requests[0].method, api.requests[0].body) == ("POST", b"{}")
