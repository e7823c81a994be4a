"""``GET /openapi.json``: what a token shows, and how caches and clients keep it."""

import gzip
import socket
from typing import Any

import httpx
import pytest

from tests.fixtures.gate import RunningGate, StartGate
from tests.fixtures.item_service import READ_SCOPE, SCOPE, SCOPES
from tests.fixtures.problems import assert_problem

COMPONENT = "#/components/"


def fetch(gate: RunningGate, query: str = "", **headers: str) -> httpx.Response:
    """Request the document, uncompressed unless a header says otherwise."""
    headers.setdefault("Accept-Encoding", "identity")
    return httpx.get(f"{gate.url}/openapi.json{query}", headers=headers)


def operations_of(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Return path and method of each operation."""
    return {(path, method) for path, item in document["paths"].items() for method in item}


def document_of(gate: RunningGate, *scopes: str) -> dict[str, Any]:
    """Return the document that a token with these scopes shows."""
    response = fetch(gate, **gate.bearer(scp=list(scopes)))
    assert response.status_code == 200
    document: dict[str, Any] = response.json()
    return document


def references(node: Any) -> set[str]:
    """Return the components that a part of a document refers to."""
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def test_document_without_a_token_is_whole_and_public(gate: RunningGate) -> None:
    response = fetch(gate)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "public, no-cache"
    assert response.headers.get_list("vary") == ["Authorization, Accept-Encoding"]
    operations = operations_of(response.json())
    assert {("/public", "get"), ("/private-scoped", "get"), ("/items", "post")} <= operations


@pytest.mark.parametrize("query", ["", "?for=me"])
def test_token_shows_what_its_scopes_allow(gate: RunningGate, query: str) -> None:
    response = fetch(gate, query, **gate.bearer(scp=[READ_SCOPE]))
    assert response.headers["cache-control"] == "private, no-cache"
    assert "Authorization" in response.headers["vary"]
    operations = operations_of(response.json())
    assert {("/public", "get"), ("/private", "get"), ("/private-scoped", "get")} <= operations
    assert not [path for path, _ in operations if path.startswith("/items")]


def test_every_operation_is_shown_exactly_if_the_gate_allows_it(gate: RunningGate) -> None:
    """The gate is asked: an operation that is not shown answers 403, any other one does not."""
    whole = operations_of(fetch(gate).json())
    for scopes in ([], [SCOPE], [READ_SCOPE], [SCOPE, READ_SCOPE]):
        shown = operations_of(document_of(gate, *scopes))
        for path, method in whole:
            url = gate.url + path.replace("{", "").replace("}", "")
            # A query that no operation has: nothing is written.
            headers = gate.bearer(scp=scopes)
            response = httpx.request(method, f"{url}?nosuch=1", headers=headers)
            assert (response.status_code != 403) == ((path, method) in shown), (path, scopes)


def test_own_document_keeps_what_its_operations_use_and_nothing_else(gate: RunningGate) -> None:
    whole = fetch(gate).json()
    own = document_of(gate, READ_SCOPE)
    used = references(own)
    defined = {
        f"{COMPONENT}{section}/{name}"
        for section, named in own["components"].items()
        for name in named
        if section != "securitySchemes"
    }
    assert used == defined
    assert len(own["components"]["schemas"]) < len(whole["components"]["schemas"])
    (scheme,) = own["components"]["securitySchemes"].values()
    for flow in scheme["flows"].values():
        assert list(flow["scopes"]) == [READ_SCOPE]
    assert own["info"] == whole["info"]
    with_all = document_of(gate, *SCOPES, "unknown")
    assert with_all["paths"] == whole["paths"]


def test_example_of_a_batch_has_no_hidden_operations(gate: RunningGate) -> None:
    assert "/items" in str(fetch(gate).json()["paths"]["/batch"])
    assert "/items" in str(document_of(gate, SCOPE)["paths"]["/batch"])
    assert "/items" not in str(document_of(gate, READ_SCOPE))


def test_own_document_without_a_token_is_unauthorized(gate: RunningGate) -> None:
    for headers in ({}, {"Authorization": ""}):
        response = fetch(gate, "?for=me", **headers)
        assert_problem(response, 401, "invalid-token")
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.headers["cache-control"] == "no-store"
        assert "Authorization" in response.headers["vary"]


@pytest.mark.parametrize(
    ("value", "status"),
    [("Bearer asdf", 401), ("Basic YTpi", 401), ("Bearer a b", 400), ("Bearer", 400)],
)
@pytest.mark.parametrize("query", ["", "?for=me"])
def test_invalid_token_is_refused_as_everywhere(
    gate: RunningGate, query: str, value: str, status: int
) -> None:
    response = fetch(gate, query, Authorization=value)
    elsewhere = httpx.get(f"{gate.url}/items", headers={"Authorization": value})
    assert response.status_code == elsewhere.status_code == status
    assert response.headers["www-authenticate"] == elsewhere.headers["www-authenticate"]
    assert response.json()["detail"] == elsewhere.json()["detail"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?for=you", "for"),
        ("?for=", "for"),
        ("?for", "for"),
        ("?for=me&for=me", "for"),
        ("?For=me", "For"),
        ("?x=1", "x"),
        ("?for=me&x=1", "x"),
        ("?access_token=a", "access_token"),
    ],
)
def test_other_query_is_rejected(gate: RunningGate, query: str, field: str) -> None:
    response = fetch(gate, query)
    assert_problem(response, 400, "invalid-query")
    assert response.json()["errors"][0]["field"] == field


def test_unchanged_document_is_not_sent_again(gate: RunningGate) -> None:
    for own in ({}, gate.bearer(scp=[READ_SCOPE])):
        tag = fetch(gate, **own).headers["etag"]
        for condition in (tag, f"W/{tag}", "*", f'"x", {tag}'):
            response = fetch(gate, **own, **{"If-None-Match": condition})
            assert (response.status_code, response.content) == (304, b"")
            assert response.headers["etag"] == tag
            assert "Authorization" in response.headers["vary"]
            assert "no-cache" in response.headers["cache-control"]
        assert fetch(gate, **own, **{"If-None-Match": '"x"'}).status_code == 200
    other = fetch(gate, **gate.bearer(scp=[SCOPE]), **{"If-None-Match": tag})
    assert other.status_code == 200


def test_other_preconditions_are_judged(gate: RunningGate) -> None:
    tag = fetch(gate).headers["etag"]
    for condition, status in ((tag, 200), ("*", 200), (f"W/{tag}", 412), ('"x"', 412), ("x", 400)):
        assert fetch(gate, **{"If-Match": condition}).status_code == status, condition
    date = "Sun, 06 Nov 1994 08:49:37 GMT"
    assert fetch(gate, **{"If-Unmodified-Since": date}).status_code == 412
    assert fetch(gate, **{"If-Modified-Since": date}).status_code == 200


def test_compressed_document_is_the_same_one_with_another_tag(gate: RunningGate) -> None:
    plain = fetch(gate)
    with httpx.stream(
        "GET", f"{gate.url}/openapi.json", headers={"Accept-Encoding": "gzip"}
    ) as response:
        raw = b"".join(response.iter_raw())
    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) == len(raw) < len(plain.content) / 3
    assert gzip.decompress(raw) == plain.content
    assert response.headers["etag"] != plain.headers["etag"]
    again = {"If-None-Match": response.headers["etag"]}
    assert fetch(gate, **again, **{"Accept-Encoding": "gzip"}).status_code == 304
    assert fetch(gate, **again).status_code == 200
    refused = fetch(gate, **{"Accept-Encoding": "identity;q=0, br"})
    assert_problem(refused, 406, "not-acceptable")


def test_head_has_the_headers_of_get_and_no_body(gate: RunningGate) -> None:
    expected = fetch(gate).headers
    head = b"HEAD /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(gate.url.rpartition(":")[2])), 10) as raw:
        raw.sendall(head)
        received = b"".join(iter(lambda: raw.recv(65_536), b""))
    headers, _, body = received.partition(b"\r\n\r\n")
    assert headers.startswith(b"HTTP/1.1 200 ")
    assert not body
    lines = headers.lower().decode().split("\r\n")
    for name in ("content-length", "etag", "cache-control", "vary"):
        assert f"{name}: {expected[name].lower()}" in [line.lower() for line in lines]


@pytest.mark.parametrize(
    ("accept", "status"), [("application/json", 200), ("text/html, */*;q=0.1", 200), ("a/b", 406)]
)
def test_document_is_json_only(gate: RunningGate, accept: str, status: int) -> None:
    assert fetch(gate, Accept=accept).status_code == status


def test_processes_send_the_same_document(start_gate: StartGate, gate: RunningGate) -> None:
    """Behind a load balancer every process must send the same tag: no order of a set is in it."""
    other = start_gate(PYTHONHASHSEED="7")
    own = other.bearer(scp=[READ_SCOPE])
    for headers in ({}, own):
        assert fetch(other, **headers).headers["etag"] == fetch(gate, **headers).headers["etag"]


def test_private_document_is_that_of_its_caller(start_gate: StartGate) -> None:
    gate = start_gate(PUBLIC_DOCS="false")
    assert_problem(fetch(gate), 401, "invalid-token")
    assert_problem(fetch(gate, "?for=me"), 401, "invalid-token")
    for query in ("", "?for=me"):
        response = fetch(gate, query, **gate.bearer(scp=["other"]))
        assert response.headers["cache-control"] == "private, no-cache"
        operations = operations_of(response.json())
        assert {("/public", "get"), ("/private", "get")} <= operations
        assert ("/private-scoped", "get") not in operations
    assert_problem(fetch(gate, "?x=1", **gate.bearer()), 400, "invalid-query")


def test_invalid_tokens_are_counted_with_those_of_other_routes(start_gate: StartGate) -> None:
    """One gate verifies all: otherwise the document would allow as many guesses again."""
    gate = start_gate(RATE_LIMIT_BAD_TOKENS="2/hour")
    headers = {"Authorization": "Bearer asdf"}
    paths = ("/openapi.json", "/items", "/openapi.json", "/items")
    statuses = [httpx.get(f"{gate.url}{path}", headers=headers).status_code for path in paths]
    assert statuses == [401, 401, 429, 429]
    assert fetch(gate).status_code == 200
