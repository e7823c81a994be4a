"""Values that columns or the database reject."""

from typing import Final

from tests.conformance.case import Case, Request, get, send

_ZAPHOD = {"username": "zaphod"}

CASES: Final[tuple[Case, ...]] = (
    send("a8-null", "POST", "/users", {"email": "x@example.com"}),
    send("a8-null-given", "POST", "/users", {"username": None}),
    send("a8-null-update", "PUT", "/users/1", {"username": None}, then=("/users/1",)),
    send("a8-two-nulls", "POST", "/books", {"title": None, "pages": "many"}),
    send("a8-unique", "POST", "/users", {"username": "ford"}),
    send("a8-unique-update", "PUT", "/users/1", {"username": "ford"}),
    send("a8-unique-id", "POST", "/parts", {"id": 1}),
    send("a8-foreign-key", "POST", "/books", {"title": "x", "authorId": 99}),
    send("a8-foreign-key-update", "PUT", "/books/1", {"authorId": 99}),
    send("a8-delete-in-use", "DELETE", "/users/1", then=("/users/1", "/books/1")),
    send("a8-delete-linked-tag", "DELETE", "/tags/2", then=("/books/2",)),
    send("a8-delete-with-one", "DELETE", "/users/2", then=("/users/2/profile", "/books/3")),
    send("a8-object-for-text", "POST", "/users", {"username": {"a": 1}}),
    send("a8-array-for-text", "POST", "/users", {"username": ["a"]}),
    send("a8-boolean-for-text", "POST", "/users", {"username": True}),
    send("a8-text-for-number", "POST", "/users", {**_ZAPHOD, "age": "notint"}),
    send("a8-digits-for-number", "POST", "/users", {**_ZAPHOD, "age": "42"}),
    send("a8-word-for-boolean", "POST", "/users", {**_ZAPHOD, "active": "true"}),
    send("a8-empty-for-number", "POST", "/users", {**_ZAPHOD, "age": ""}),
    send("a8-digits-for-key", "PUT", "/books/1", {"authorId": "2"}),
    send("a8-unique-nested", "POST", "/books", {"title": "x", "author": {"username": "ford"}}),
    send("a8-fraction-for-number", "POST", "/users", {**_ZAPHOD, "age": 1.5}),
    send("a8-huge-number", "POST", "/users", b'{"username":"z","age":99999999999999999999}'),
    send("a8-text-for-boolean", "POST", "/users", {**_ZAPHOD, "active": "perhaps"}),
    send("a8-long-text", "POST", "/users", {"username": "x" * 256}),
    send("a8-empty-text", "POST", "/users", {"username": ""}),
    Case("a8-members", (Request("GET", "/parts/99"),), exact=True),
    get("a8-media-type", "/parts/99", headers=("content-type",)),
)
