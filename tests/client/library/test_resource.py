"""Resources over a real service: rows, options, bulk writes, uploads, batches."""

import socket
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest

from encore.client import (
    BadRequest,
    BatchFailed,
    Client,
    Conflict,
    NetworkError,
    NotFound,
    NotModified,
    PreconditionFailed,
    UnexpectedResponseError,
    UnprocessableContent,
    UsageError,
    etag_of,
)
from encore.client.batch import BatchBuilder


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return uuid4().hex


def test_row_is_created_read_changed_and_deleted(client: Client, name: str) -> None:
    created = client.products.create({"name": name, "price": Decimal("1.10")})
    key = created["id"]
    assert client.products.get(key) == created
    assert (created["price"], created["since"]) == (1.1, None)
    changed = client.products.update(key, since=date(2026, 1, 31))
    assert changed["since"] == "2026-01-31"
    client.products.delete(key)
    with pytest.raises(NotFound) as refusal:
        client.products.get(key)
    assert (refusal.value.status, refusal.value.type) == (404, "urn:problem-type:not-found")
    assert refusal.value.request_id
    restored = client.products.restore(key)
    assert restored["name"] == name


def test_row_is_changed_only_if_it_is_the_one_that_was_read(client: Client, name: str) -> None:
    row = client.products.create(name=name)
    changed = client.products.update(row["id"], {"name": name * 2}, if_match=row)
    with pytest.raises(PreconditionFailed):
        client.products.update(row["id"], {"name": name}, if_match=row)
    with pytest.raises(PreconditionFailed):
        client.products.delete(row["id"], if_match=etag_of(row))
    with pytest.raises(NotModified):
        client.products.get(row["id"], {}, if_none_match=changed)
    page = client.products.list(name=name * 2)
    for tag in (page[0], dict(row), None, ""):
        with pytest.raises(UsageError, match="no entity tag"):
            client.products.delete(row["id"], if_match=tag)
    with pytest.raises(NotModified):
        client.products.list({"name": name * 2}, if_none_match=page)


def test_keywords_are_content_and_options_only_beside_a_mapping(client: Client, name: str) -> None:
    row = client.products.create(name=name, timeout=7)
    assert row["timeout"] == 7
    assert [r["id"] for r in client.products.list(name=name, timeout=7)] == [row["id"]]
    assert client.products.list(name=name, timeout=8).rows == []
    with pytest.raises(UsageError, match="create has no option 'timeOut'"):
        client.products.create({"name": name}, timeOut=3)  # type: ignore[call-overload] # not one
    with pytest.raises(BadRequest) as refusal:
        client.products.create(nam=name)
    assert refusal.value.errors == {"nam": ["nam is not a member of this body; did you mean name?"]}


def test_dry_run_writes_nothing(client: Client, name: str) -> None:
    assert client.products.create({"name": name}, dry_run=True)["name"] == name
    report = client.products.bulk_create([{"name": name}], dry_run=True)
    assert (report["created"], report["dry_run"]) == (1, True)
    assert client.products.upload([{"name": name}], dry_run=True)["created"] == 1
    assert client.products.list(name=name).total == 0


def test_dry_run_that_the_api_does_not_confirm_is_an_error(api: Any) -> None:
    api.respond(201, {"id": 1})
    with Client(api.url) as client, pytest.raises(UnexpectedResponseError, match="dry run"):
        client.products.create({"name": "x"}, dry_run=True)


def test_idempotency_key_creates_one_row(client: Client, name: str) -> None:
    key = uuid4()
    rows = [client.products.create({"name": name}, idempotency_key=key) for _ in range(2)]
    assert rows[0]["id"] == rows[1]["id"]
    with pytest.raises(UnprocessableContent):
        client.products.create({"name": name * 2}, idempotency_key=key)


def test_upsert_finds_the_stored_row(client: Client, name: str) -> None:
    first = client.products.upsert({"code": name, "name": "a"}, on="code")
    merged = client.products.upsert({"code": name, "name": "b"}, on=["code"])
    ignored = client.products.upsert({"code": name, "name": "c"}, on="code", on_conflict="ignore")
    assert first["id"] == merged["id"] == ignored["id"]
    assert (merged["name"], ignored["name"]) == ("b", "b")
    with pytest.raises(Conflict):
        client.products.create(code=name)


@pytest.mark.parametrize("room", ["a/b", "ä ?#%&", "a;b=c", "..a", "{a}", '"', "a+b"])
def test_key_with_several_members_and_any_text(client: Client, room: str) -> None:
    row = client.shelves.put((room, 1), {"note": "x"})
    assert row == {"room": room, "number": 1, "note": "x"}
    assert client.shelves.get((room, 1)) == row
    assert client.shelves.list(room=room).rows == [row]
    client.shelves.delete((room, 1))


@pytest.mark.parametrize("key", ["", ".", "..", None, (), {}, float("nan"), b"x"])
def test_key_that_no_path_can_have_is_refused(client: Client, key: Any) -> None:
    with pytest.raises(UsageError):
        client.products.delete(key)


@pytest.mark.parametrize("text", ["null", "[1]", '["a","b"]', '"', '"x"', "a,b", "*", "%", "a&b=c"])
def test_text_of_python_is_never_a_notation(client: Client, name: str, text: str) -> None:
    client.products.bulk_create([{"code": name + text, "name": text}, {"code": name, "name": None}])
    parameters = {"code__startswith": name, "fields": ["name"]}
    assert client.products.list(**parameters, name=text).rows == [{"name": text}]
    assert client.products.list(**parameters, name__in=[text]).rows == [{"name": text}]
    assert client.products.list(**parameters, name__ne=text).rows == [{"name": None}]
    assert client.products.list(**parameters, name=None).rows == [{"name": None}]
    assert client.products.list(**parameters, name=[text, None]).total == 2
    assert client.products.list(**parameters, name__in=[text, None]).total == 2
    assert client.products.list(**parameters, name__like=text).rows == [{"name": text}]
    assert client.products.list(**parameters, name=[]).rows == []


def test_filters_of_other_types(client: Client, name: str) -> None:
    client.products.create(code=name, name=name, price=Decimal("9.99"), since=date(2020, 2, 29))
    products = client.products
    for filters in (
        {"price": Decimal("9.99")},
        {"price__between": (9, 10)},
        {"since__in": [date(2020, 2, 29), None]},
        {"since__lt": date(2020, 3, 1)},
        {"since__is_null": False},
        {"or_": "name=x|price__gt=9"},
    ):
        assert products.list(code=name, **filters).total == 1, filters
    with pytest.raises(UsageError, match="price cannot be a object"):
        products.list(price=object())


def test_page_shows_how_much_it_lacks(client: Client, name: str) -> None:
    client.products.bulk_create({"name": name, "code": f"{name}{i}"} for i in range(7))
    page = client.products.list(name=name, count=3, sort=["-code"])
    assert (len(page), page.total, page.first, page.has_next) == (3, 7, 0, True)
    assert repr(page) == "<Page: 3 of 7 rows, has_next>"
    assert [row["code"][-1] for row in page] == ["6", "5", "4"]
    second = page.next()
    assert second is not None
    assert (len(second), second.total, second.first, second.has_next) == (3, None, 3, True)
    third = second.next()
    assert third is not None
    assert (len(third), third.has_next, third.next()) == (1, False, None)
    assert client.products.list(name=name, count=7).has_next is False
    assert client.products.list(name=name, count=3, offset=9).has_next is False
    estimated = client.products.list(
        {"name": name, "count": 3}, headers={"Prefer": "count=estimated"}
    )
    assert estimated.has_next


def test_all_and_stream_are_every_row(client: Client, name: str) -> None:
    client.products.bulk_create({"name": name, "code": f"{name}{i:02}"} for i in range(25))
    expected = [f"{name}{i:02}" for i in range(25)]
    rows = client.products.all(name=name, count=10, sort="code")
    assert [row["code"] for row in rows] == expected
    with client.products.stream(name=name, sort="code", fields="code") as streamed:
        assert next(streamed) == {"code": expected[0]}
        assert [row["code"] for row in streamed] == expected[1:]
    assert list(client.products.all(name=name * 2)) == []
    assert list(client.products.stream(name=name * 2)) == []
    with pytest.raises(BadRequest, match="count"):
        next(client.products.stream(name=name, count=3))


def test_text_with_other_line_ends_is_streamed(client: Client, name: str) -> None:
    text = "a\u2028b\u0085c\x0bd\ne\r\nf"
    client.products.create(code=name, name=text)
    assert [row["name"] for row in client.products.stream(code=name)] == [text]


def test_nested_resource_has_rows_of_its_parent(client: Client, name: str) -> None:
    product = client.products.create(name=name)
    client.reviews.create(text="good", productId=product["id"])
    key = product["id"]
    nested = client.resource("products", key, "reviews")
    assert [row["text"] for row in nested.all()] == ["good"]
    assert client[f"products/{key}/reviews"].list().rows == nested.list().rows


def test_threads_share_one_client(client: Client, name: str) -> None:
    row = client.products.create(name=name)
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(client.products.get, [row["id"]] * 40))
    assert rows == [row] * 40


def test_stream_that_breaks_off_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        thread = Thread(target=_send_half_a_stream, args=(server,))
        thread.start()
        with Client(url) as client, client.things.stream() as rows:
            assert next(rows) == {"id": 1}
            with pytest.raises(NetworkError):
                next(rows)
        thread.join()


def _send_half_a_stream(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
            b'Transfer-Encoding: chunked\r\n\r\n9\r\n{"id":1}\n\r\n'
        )


def test_bulk_writes_report(client: Client, name: str) -> None:
    report = client.products.bulk_create([{"name": name}, {"name": name}])
    keys = [row["id"] for row in report["rows"]]
    assert client.products.bulk_update([{"id": k, "price": 1} for k in keys])["updated"] == 2
    assert client.products.update_where({"name": name}, {"price": 2}) == {"affected": 2}
    with pytest.raises(Conflict):
        client.products.delete_where({"name": name}, max_affected=1)
    assert client.products.delete_where({"name": name}, dry_run=True)
    assert client.products.delete_where({"name": name}) == {"affected": 2}
    with pytest.raises(UsageError, match="at least one filter"):
        client.products.delete_where({})
    with pytest.raises(BadRequest) as refusal:
        client.products.bulk_create([{"name": name}, {"nam": name}])
    assert [row["line"] for row in refusal.value.problem["rows"]] == [2]
    report = client.products.bulk_create([{"name": name}, {"nam": 1}], mode="partial")
    assert (report["created"], report["rejected"]) == (1, 1)


def test_rows_that_are_not_rows_are_refused(client: Client) -> None:
    for rows in ({"name": "x"}, "x", 3, [3], ["x"], [{"name": {1}}], [{"price": float("nan")}]):
        with pytest.raises(UsageError):
            client.products.bulk_create(rows)  # type: ignore[arg-type] # that is the test


def test_error_of_a_generator_reaches_the_caller_and_nothing_is_written(
    client: Client, name: str
) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield {"name": name}
        raise ValueError("row 2 is lost")

    with pytest.raises(ValueError, match="row 2 is lost"):
        client.products.upload(rows())
    assert client.products.list(name=name).total == 0


def test_upload_of_a_generator_needs_little_memory(client: Client, name: str) -> None:
    count = 10_000
    rows = ({"name": name, "code": f"{name}-{i}-{'x' * 10}"} for i in range(count))
    tracemalloc.start()
    report = client.products.upload(rows, timeout=120)
    read = sum(1 for _ in client.products.stream(name=name))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (report["created"], report["rows"], read) == (count, [], count)
    assert peak < 6_000_000  # The rows together are twice as large.


def test_batch_is_one_transaction_with_references(client: Client, name: str) -> None:
    with client.batch() as batch:
        products, reviews = batch.on(client.products), batch.on(client.reviews)
        product = products.create({"name": name, "code": "{op1.id}"})
        review = reviews.create(text=name, productId=product["id"])
        read = products.get(product["id"])
        nested = batch.resource("products", product["id"], "reviews").list()
        products.update(product["id"], code=product["name"])
        done = products.delete(product["id"])
        with pytest.raises(UsageError, match="no result"):
            _ = product.result
    assert product.result["code"] == "{op1.id}"
    assert read.result == product.result | {"reviews": [review.result]}
    assert etag_of(read.result)
    assert review.result["productId"] == product.result["id"]
    assert nested.result.rows[0]["text"] == name
    assert (done.status, done.result) == (200, None)


def test_batch_that_fails_writes_nothing(client: Client, name: str) -> None:
    def create_and_delete(key: int) -> None:
        with client.batch() as batch:
            batch.on(client.products).create(name=name)
            batch.on(client.products).delete(10 // key)

    with pytest.raises(NotFound) as refusal:
        create_and_delete(-1)
    assert refusal.value.problem["operation"] == {"index": 1, "id": "op2"}
    with pytest.raises(ZeroDivisionError):
        create_and_delete(0)
    assert client.products.list(name=name).total == 0


def test_batch_that_is_not_atomic_names_what_failed(client: Client, name: str) -> None:
    def delete_and_create(*, check: bool) -> BatchBuilder:
        with client.batch(atomic=False, check=check) as batch:
            batch.on(client.products).delete(-1)
            batch.on(client.products).create(name=name)
        return batch

    with pytest.raises(BatchFailed, match="1 of 2") as refusal:
        delete_and_create(check=True)
    assert [o.status for o in refusal.value.operations] == [404, 201]
    failed, created = delete_and_create(check=False).operations
    with pytest.raises(NotFound):
        _ = failed.result
    assert client.products.get(created.result["id"]) == created.result


def test_batch_refuses_what_an_operation_cannot_have(client: Client) -> None:
    with client.batch() as batch:
        products = batch.on(client.products)
        for options in ({"dry_run": True}, {"idempotency_key": "k"}, {"timeout": 3}):
            with pytest.raises(UsageError, match="operation of a batch has no"):
                products.create({"name": "x"}, **options)
        assert batch.operations == []
        operation = products.create(name="x")
        with pytest.raises(UsageError):
            client.products.get(operation["id"])
        with pytest.raises(UsageError):
            client.products.create(name=operation["name"])
    with pytest.raises(UsageError, match="with block"):
        products.create(name="x")
    with pytest.raises(UsageError, match="was sent"):
        batch.__enter__()


def test_batch_sends_members_called_ref_as_they_are(client: Client) -> None:
    batch = client.batch()
    batch.open()
    first = batch.on(client.a).create({"x": {"$ref": "y"}, "$$ref": [{"z": 1}]})
    batch.on(client.b).update(first["id"], {"x": first["a"]["b"][0]})
    assert [operation.describe() for operation in batch.operations] == [
        {
            "id": "op1",
            "method": "POST",
            "path": "/a",
            "body": {"x": {"$$ref": "y"}, "$$$ref": [{"z": 1}]},
        },
        {
            "id": "op2",
            "method": "PATCH",
            "path": "/b/{op1.id}",
            "body": {"x": {"$ref": "op1.a.b.0"}},
        },
    ]
