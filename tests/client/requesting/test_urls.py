"""Which URL an argument means: below API_URL, on this machine, or refused."""

from pathlib import Path
from typing import Any

import pytest

from client.requesting.urls import add_query, resolve_url
from encore.client.errors import ConfigurationError, UsageError

BASE = "https://api.example/v1"


@pytest.mark.parametrize(
    ("raw", "base", "url"),
    [
        ("parts", BASE, "https://api.example/v1/parts"),
        ("/parts", BASE, "https://api.example/v1/parts"),
        ("./token", BASE + "/", "https://api.example/v1/token"),
        ("./a:b", BASE, "https://api.example/v1/a:b"),
        ("?count=5", BASE, "https://api.example/v1?count=5"),
        ("parts/1?a=http://b/..", BASE, "https://api.example/v1/parts/1?a=http://b/.."),
        (".", BASE, BASE),
        ("/", "http://localhost:3000", "http://localhost:3000"),
        ("openapi.json", BASE, "https://api.example/v1/openapi.json"),
        ("parts/1.5/x", BASE, "https://api.example/v1/parts/1.5/x"),
        (":3000/parts", "", "http://localhost:3000/parts"),
        (":3000", "", "http://localhost:3000"),
        (":/parts?a=b", "", "http://localhost/parts?a=b"),
        ("localhost:3000/parts", "", "http://localhost:3000/parts"),
        ("localhost", "", "http://localhost"),
        ("127.0.0.1:80/a", "", "http://127.0.0.1:80/a"),
        ("[::1]:3000/a", "", "http://[::1]:3000/a"),
        ("HTTPS://api.example/a", "", "HTTPS://api.example/a"),
    ],
)
def test_url_that_an_argument_means(raw: str, base: str, url: str) -> None:
    assert resolve_url(raw, lambda: base) == url


@pytest.mark.parametrize(
    "raw",
    [
        "//api.example/parts",
        "www.api.example/parts",
        "api.example:443/parts",
        "10.0.0.1:3000/parts",
        "user:word@api.example/parts",
        "mailto:someone",
        "../parts",
        "parts/../../admin",
        "get",
        "POST",
        "parts/a b",
        ":port/parts",
        ":0/parts",
    ],
)
def test_argument_that_could_mean_something_else_is_refused(raw: str) -> None:
    with pytest.raises(UsageError) as refusal:
        resolve_url(raw, lambda: BASE)
    assert "word" not in str(refusal.value)


@pytest.mark.parametrize("base", ["localhost:3000", "http://h/?a=b", "http://h/#a", "ftp://h/"])
def test_malformed_api_url_is_reported_by_name(base: str) -> None:
    with pytest.raises(ConfigurationError, match="API_URL"):
        resolve_url("parts", lambda: base)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h/a", "http://h/a?n%5B%5D=1%2B%26%20%C3%A9&t=2026-01-01T00:00:00"),
        ("http://h/a?x", "http://h/a?x&n%5B%5D=1%2B%26%20%C3%A9&t=2026-01-01T00:00:00"),
        ("http://h/a?#f", "http://h/a?n%5B%5D=1%2B%26%20%C3%A9&t=2026-01-01T00:00:00#f"),
    ],
)
def test_query_parameters_are_encoded_and_added(url: str, expected: str) -> None:
    assert add_query(url, [("n[]", "1+& é"), ("t", "2026-01-01T00:00:00")]) == expected


def test_api_url_is_read_from_the_same_files_as_other_settings(
    run: Any, api: Any, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(f"API_URL={api.url}/v1\n")
    assert run("parts").code == 0
    assert api.requests[0].path == "/v1/parts"


def test_relative_url_without_api_url_is_refused(run: Any) -> None:
    result = run("parts")
    assert (result.code, result.out) == (1, "")
    assert "API_URL is not set" in result.err


def test_word_of_a_command_is_a_path_with_a_dot(run: Any, api: Any) -> None:
    assert run("./import", API_URL=api.url).code == 0
    assert api.requests[0].path == "/import"
