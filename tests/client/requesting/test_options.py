"""Options: what excludes what, and which have no meaning for a request."""

from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--table", "--csv"], "exclude each other"),
        (["--ndjson", "--csv"], "exclude each other"),
        (["post", "--all"], "needs GET, not POST"),
        (["post", "{}", "--csv"], "needs GET"),
        (["delete", "--ndjson"], "needs GET"),
        (["--csv", "Accept:text/plain"], "exclude each other"),
        (["head", "--table"], "no body"),
        (["head", "--output", "x"], "no body"),
        (["--offline", "--output", "x"], "receives no response"),
        (["--output", ""], "must name a file"),
        (["--output", "a", "-o", "b"], "given twice"),
        (["--timeout", "1", "--timeout", "2"], "given twice"),
        (["--timeout", "0"], "number of seconds"),
        (["--timeout", "nan"], "number of seconds"),
        (["--timeout", "x"], "number of seconds"),
        (["--retries", "-1"], "must be an integer"),
        (["--retries", "101"], "must be an integer"),
        (["post", "--retries", "1"], "Idempotency-Key"),
        (["delete", "--retries", "1"], "Idempotency-Key"),
        (["--head", "a:b"], "unrecognized arguments"),
        (["--all=yes"], "ignored explicit argument"),
        (["-x"], "unrecognized arguments"),
        (["--header"], "expected one argument"),
        (["--header", "no-colon"], "NAME:VALUE"),
    ],
)
def test_option_without_meaning_is_refused_before_anything_is_sent(
    run: Any, api: Any, argv: list[str], words: str
) -> None:
    result = run(api.url, *argv)
    assert (result.code, result.out, api.requests) == (1, "", [])
    assert words in result.err


def test_headers_of_options_and_items_are_sent(run: Any, api: Any) -> None:
    assert run(api.url, "-H", "X-A: 1", "--header=X-B:2", "X-C:3", "-HX-D:4").code == 0
    headers = api.requests[0].headers
    assert [headers[name] for name in ("x-a", "x-b", "x-c", "x-d")] == ["1", "2", "3", "4"]


def test_header_accept_replaces_that_of_the_client(run: Any, api: Any) -> None:
    assert run(api.url, "Accept:text/plain").code == 0
    assert api.requests[0].headers["accept"] == "text/plain"


def test_timeout_is_carried_out(run: Any, silent_url: str) -> None:
    result = run(silent_url, "--timeout", "0.2", TOKEN="a")
    assert (result.code, result.out) == (5, "")
    assert "did not respond in time" in result.err


def test_output_is_replaced_only_by_a_complete_success(run: Any, api: Any, tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")
    api.respond(404, {"title": "Not Found"}, "application/problem+json")
    assert run(api.url, "-o", str(path)).code == 7
    assert path.read_text() == "old"
    api.respond(200, {"name": "Pão"})
    assert run(api.url, "-o", str(path)) == (0, "", "")
    assert path.read_text(encoding="utf-8") == '{\n  "name": "Pão"\n}\n'
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["out.json"]


@pytest.mark.parametrize("name", ["missing/out", ""])
def test_output_that_cannot_be_written_is_refused_before_anything_is_sent(
    run: Any, api: Any, tmp_path: Path, name: str
) -> None:
    result = run(api.url, "post", "{}", "--output", f"{tmp_path}/{name}")
    assert (result.code, api.requests) == (1, [])
    assert "nothing was sent" in result.err


def test_help_fits_on_one_screen(run: Any) -> None:
    lines = run("--help").out.splitlines()
    assert 24 <= len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert "python -m client parts post name=Bread" in "\n".join(lines)
