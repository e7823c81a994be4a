"""Items: what httpie's spellings mean here, and which are refused."""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("items", "body"),
    [
        (["name=Bread"], '{"name": "Bread"}'),
        (["name="], '{"name": ""}'),
        (["name=a=b:c@d"], '{"name": "a=b:c@d"}'),
        (["count:=1", "price:=1.10"], '{"count": 1, "price": 1.10}'),
        (["a:=null", 'b:=[1, {"c": 12345678901234567890123}]'], None),
        (["author[name]=Ursula", "author[books][]=a", "author[books][]=b"], None),
        (["tags[]:=1", "tags[][x]=2"], '{"tags": [1, {"x": "2"}]}'),
        ([r"a\:b=c", r"d\[e\]=f"], '{"a:b": "c", "d[e]": "f"}'),
        (['quoted="x"', "Pão=ü"], '{"quoted": "\\"x\\"", "Pão": "ü"}'),
        (["true=1"], '{"true": "1"}'),
    ],
)
def test_members_make_the_body_and_the_method_is_post(
    run: Any, api: Any, items: list[str], body: str | None
) -> None:
    assert run(api.url, *items).code == 0
    request = api.requests[0]
    assert (request.method, request.headers["content-type"]) == ("POST", "application/json")
    sent = request.body.decode()
    json.loads(sent)
    if body is not None:
        assert sent == body
    elif "author" in sent:
        assert json.loads(sent) == {"author": {"name": "Ursula", "books": ["a", "b"]}}
    else:
        assert "12345678901234567890123" in sent


def test_method_may_be_given_and_items_may_be_mixed(run: Any, api: Any) -> None:
    code = run(f"{api.url}/parts?x=1", "Put", "a:=1", "f==2 3", "If-Match:*", "f.g__in==a,b").code
    request = api.requests[0]
    assert code == 0
    assert (request.method, request.path) == ("PUT", "/parts?x=1&f=2%203&f.g__in=a,b")
    assert (request.headers["if-match"], request.body) == ("*", b'{"a": 1}')


def test_parameters_and_headers_alone_leave_the_method_get(run: Any, api: Any) -> None:
    assert run(api.url, "sort==-id", "Prefer: count=none").code == 0
    request = api.requests[0]
    assert (request.method, request.path, request.body) == ("GET", "/?sort=-id", b"")
    assert request.headers["prefer"] == "count=none"


def test_parameters_and_headers_go_with_any_body(run: Any, api: Any) -> None:
    assert run(api.url, "post", '{"a":1}', "Prefer:return=minimal", "x==1").code == 0
    assert api.requests[0].body == b'{"a":1}'
    assert api.requests[0].headers["prefer"] == "return=minimal"


def test_files_are_read_as_text_and_as_json(run: Any, api: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text('{"x": 1.0}', encoding="utf-8")
    assert run(api.url, f"text=@{path}", f"json:=@{path}").code == 0
    assert api.requests[0].body == b'{"text": "{\\"x\\": 1.0}", "json": {"x": 1.0}}'


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["get", "a=1"], "a==... is a query parameter"),
        (["post", "{}", "a=1"], "second body"),
        (["post", "{}", "{}"], "one body"),
        (["post", "a=1", "[]"], "second body"),
        (["a=1", "a=2"], "given twice"),
        (["a[b]=1", "a[]=2"], "two kinds"),
        (["a[]=1", "a[b]=2"], "two kinds"),
        (["a[5]=1"], "not supported"),
        (["a[b=1"], "brackets"),
        (["a:=x"], "For text, write a=..."),
        (["a:=NaN"], "not JSON"),
        (["a@file"], "accepts no forms"),
        (["a==@file"], "not read from files"),
        (["Prefer:@file"], "not read from files"),
        (["a=@missing"], "cannot be read"),
        (["a:=@missing"], "cannot be read"),
        (["Prefer:"], "no value"),
        (["Bad Name:x"], "NAME:VALUE"),
        (["Prefer:x\ny"], "printable ASCII"),
        (["Authorization:Bearer hidden"], "the setting TOKEN"),
        (["Host:x"], "follows from the URL"),
        (["Content-Type:text/csv", "a=1"], "Content-Type says another one"),
        (["Content-Type:text/csv"], "has none"),
        (["post", "{}", "Idempotency-Key:a", "Idempotency-Key:b"], "given twice"),
        (["post", "@missing.csv"], "cannot be read"),
        (["post", "@"], "path of a file"),
        (["post", "@-"], "reads standard input"),
        (["a=@-"], "reads standard input"),
    ],
)
def test_item_without_meaning_is_refused_before_anything_is_sent(
    run: Any, api: Any, argv: list[str], words: str
) -> None:
    result = run(api.url, *argv)
    assert (result.code, result.out, api.requests) == (1, "", [])
    assert words in result.err
    assert "hidden" not in result.err


@pytest.mark.parametrize(
    ("name", "content", "header", "media_type"),
    [
        ("a.json", '{"a": 1.10}', [], "application/json"),
        ("rows.csv", "a\r\n1", [], "text/csv"),
        ("rows.NDJSON", "{}\n{}", [], "application/x-ndjson"),
        ("rows", "a\n", ["Content-Type:text/csv"], "text/csv"),
        ("a.csv", "[]", ["-H", "Content-Type: application/json"], "application/json"),
    ],
)
def test_file_is_sent_as_it_is_with_its_media_type(
    run: Any,
    api: Any,
    tmp_path: Path,
    *,
    name: str,
    content: str,
    header: list[str],
    media_type: str,
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode())
    assert run(api.url, "post", f"@{path}", *header).code == 0
    request = api.requests[0]
    assert (request.body, request.headers["content-type"]) == (content.encode(), media_type)
    assert request.headers["content-length"] == str(len(content))
    assert "transfer-encoding" not in request.headers


def test_file_that_is_not_json_is_refused(run: Any, api: Any, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    assert run(api.url, "post", f"@{tmp_path}/a.json").code == 1
    assert api.requests == []


def test_stdin_of_another_media_type_is_sent_as_it_is(run: Any, api: Any) -> None:
    assert run(api.url, "post", "-", "Content-Type:text/csv", stdin="a\n1\n").code == 0
    assert api.requests[0].body == b"a\n1\n"
