"""Request headers of a source: values from the environment, validation, where they go."""

import json
from pathlib import Path

import pytest

from tests.client.importing.conftest import Fault
from tests.client.importing.sources.conftest import SourceImport
from tests.client.importing.sources.paged_source import Answer, PagedSource, rows

HIDDEN = "hidden-value"


def test_headers_are_sent_with_variables_replaced(
    imported: SourceImport, source: PagedSource
) -> None:
    source.answer = lambda _: Answer(rows(1, 1))
    mapping = '[headers]\nX-Api-Key = "a $TEMPUS_KEY$$TEMPUS_KEY $_B1/"\nAccept = "text/x"'
    assert imported(mapping, TEMPUS_KEY=HIDDEN, _B1="2").code == 0
    (request,) = source.requests
    assert request.headers["x-api-key"] == f"a {HIDDEN}$TEMPUS_KEY 2/"
    assert request.headers["accept"] == "text/x"


def test_variable_from_env_local(
    imported: SourceImport, source: PagedSource, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("TEMPUS_KEY=old\n")
    (tmp_path / ".env.local").write_text(f"TEMPUS_KEY={HIDDEN}\n")
    imported('[headers]\nX-Api-Key = "$TEMPUS_KEY"')
    assert source.requests[0].headers["x-api-key"] == HIDDEN


@pytest.mark.parametrize("variables", [{}, {"TEMPUS_KEY": ""}])
def test_missing_variable_exits_11_with_header_and_variable(
    imported: SourceImport, source: PagedSource, variables: dict[str, str]
) -> None:
    result = imported('[headers]\nX-Api-Key = "$TEMPUS_KEY"', **variables)
    assert (result.code, source.requests) == (11, [])
    assert "TEMPUS_KEY is not set, which [headers] X-Api-Key" in result.err


@pytest.mark.parametrize("value", ["a\r\nb: c", "ä", "a\x00", " a"])
def test_variable_that_cannot_be_sent_exits_11_and_is_not_printed(
    imported: SourceImport, source: PagedSource, value: str
) -> None:
    result = imported('[headers]\nX-Api-Key = "$TEMPUS_KEY"', TEMPUS_KEY=HIDDEN + value[::-1])
    assert (result.code, source.requests) == (11, [])
    assert "[headers] X-Api-Key must be ASCII" in result.err
    assert HIDDEN not in result.err


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ('Host = "h"', "Host cannot be set"),
        ('content-length = "1"', "content-length cannot be set"),
        ('Transfer-Encoding = "chunked"', "Transfer-Encoding cannot be set"),
        ('Connection = "close"', "Connection cannot be set"),
        ('Proxy-Authorization = "p"', "it would be sent to a proxy"),
        ('Accept-Encoding = "br"', "Accept-Encoding cannot be set"),
        ('Range = "rows=0-9"', "the source would send a part"),
        ('"A b" = "c"', "'A b' is not the name of a header"),
        ('"Ä" = "c"', "is not the name of a header"),
        ('X-A = "1"\nx-a = "2"', "x-a is set twice"),
        ("X-A = 1", "X-A must be a string"),
        ('X-A = ""', "X-A must be ASCII"),
        (r'X-A = "hidden-value\r\nX-B: c"', "X-A must be ASCII"),
        ('X-A = "hidden-value $"', "write $$ for a dollar"),
        ('X-A = "${hidden-value}"', "write $$ for a dollar"),
        ('X-A = "$CLIENT_SECRET"', "must not contain $CLIENT_SECRET"),
    ],
)
def test_invalid_header_exits_11_and_its_value_is_not_printed(
    imported: SourceImport, source: PagedSource, header: str, words: str
) -> None:
    result = imported(f"[headers]\n{header}")
    assert (result.code, source.requests) == (11, [])
    assert words in result.err
    assert HIDDEN not in result.err


def test_headers_that_are_no_table_are_not_printed(imported: SourceImport) -> None:
    result = imported(f'headers = "Authorization: {HIDDEN}"')
    assert result.code == 11
    assert "headers must be a table" in result.err
    assert HIDDEN not in result.err


@pytest.mark.parametrize(
    "credentials",
    [{"IMPORT_SOURCE_TOKEN": "t"}, {"IMPORT_SOURCE_USER": "u", "IMPORT_SOURCE_PASSWORD": "p"}],
)
def test_authorization_set_twice_exits_11(
    imported: SourceImport, source: PagedSource, credentials: dict[str, str]
) -> None:
    result = imported('[headers]\nauthorization = "Basic x"', **credentials)
    assert (result.code, source.requests) == (11, [])
    assert "Authorization is set twice" in result.err


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ('X-Api-Key = "literal"', 4),
        ('Authorization = "Token $TEMPUS_KEY"', 4),
        ('Accept = "$TEMPUS_KEY"', 4),
        ('Accept = "text/csv"', 12),
    ],
)
def test_headers_with_secrets_over_http_require_insecure(
    imported: SourceImport, header: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    arguments = (f"[headers]\n{header}", "--attempts", "1")
    url = "http://tempus.invalid/entries"
    assert imported(*arguments, path=url, TEMPUS_KEY=HIDDEN).code == code
    assert imported(*arguments, "--insecure", path=url, TEMPUS_KEY=HIDDEN).code == 12


def test_headers_go_to_the_source_only_and_into_no_file(
    imported: SourceImport, source: PagedSource, tmp_path: Path
) -> None:
    source.answer = lambda _: Answer(rows(1, 3))
    imported.api.faults += [None, Fault(400)]
    mapping = '[headers]\nX-Api-Key = "$TEMPUS_KEY"\nX-Literal = "also-hidden"'
    assert imported(mapping, "--batch-size", "1", TEMPUS_KEY=HIDDEN).code == 7
    (tmp_path / "mapping.toml").unlink()
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".json" for path in kept)
    for content in (str(imported.api.requests), *(path.read_text() for path in kept)):
        assert HIDDEN not in content
        assert "also-hidden" not in content


@pytest.mark.parametrize("mapping", ['body = "{}"', '[headers]\nAccept = "a"'])
def test_headers_or_body_of_a_file_exit_11(
    imported: SourceImport, tmp_path: Path, mapping: str
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(rows(1, 1)))
    result = imported(mapping, path=str(tmp_path / "a.json"))
    assert (result.code, imported.ids) == (11, [])
    assert "a.json is a file or stream" in result.err
