"""Writing related rows through their parent."""

from typing import Any, Final

from tests.conformance.case import Case, send


def _user(**nested: Any) -> dict[str, Any]:
    return {"username": "zaphod", **nested}


CASES: Final[tuple[Case, ...]] = (
    send("a9-create-children", "POST", "/users", _user(books=[{"title": "Own"}]), then=("/books",)),
    send("a9-create-one", "POST", "/users", _user(profile={"nickname": "zz"})),
    send("a9-create-parent", "POST", "/books", {"title": "New", "author": _user()}),
    send("a9-create-linked-parent", "POST", "/books", {"title": "New", "author": {"id": 2}}),
    send("a9-create-link-unknown", "POST", "/books", {"title": "New", "author": {"id": 99}}),
    send("a9-create-no-foreign-keys", "POST", "/slim-books", {"title": "New", "author": {"id": 2}}),
    send("a9-create-null-parent", "POST", "/books", {"title": "New", "author": None}),
    send("a9-create-new-tags", "POST", "/books", {"title": "New", "tags": [{"label": "new"}]}),
    send("a9-create-link-tags", "POST", "/books", {"title": "New", "tags": [{"id": 1}]}),
    send("a9-create-link-children", "POST", "/users", _user(books=[{"id": 4}]), then=("/books/4",)),
    send("a9-create-link-one", "POST", "/users", _user(profile={"id": 3})),
    send("a9-create-child-invalid", "POST", "/users", _user(books=[{}]), then=("/users",)),
    send("a9-create-child-no-object", "POST", "/users", _user(books=["x"]), then=("/users",)),
    send("a9-create-children-no-array", "POST", "/users", _user(books={"title": "x"})),
    send("a9-create-deep", "POST", "/users", _user(books=[{"title": "x", "tags": [{"id": 1}]}])),
    send("a9-shallow-create", "POST", "/shallow", _user(books=[{"title": "x"}]), then=("/books",)),
    send("a9-add-to-children", "POST", "/adding", _user(books=[{"title": "x"}]), then=("/books",)),
    send("a9-update-link", "PUT", "/books/1", {"author": {"id": 2}}, then=("/books/1",)),
    send("a9-update-link-none", "PUT", "/books/1", {"author": {"id": 99}}),
    send("a9-update-unlink", "PUT", "/books/1", {"author": None}, then=("/books/1",)),
    send("a9-update-unlink-id", "PUT", "/books/1", {"author": {"id": None}}, then=("/books/1",)),
    send("a9-update-foreign-key", "PUT", "/books/1", {"authorId": 2}),
    send("a9-update-new", "PUT", "/books/1", {"author": _user()}, then=("/books/1", "/users")),
    send("a9-update-array", "PUT", "/users/1", {"books": [{"title": "changed"}]}, then=("/books",)),
    send("a9-update-tags", "PUT", "/books/1", {"tags": [{"id": 3}]}, then=("/books/1",)),
    send("a9-update-one", "PUT", "/users/3", {"profile": {"id": 3}}, then=("/users/3",)),
    send("a9-update-array-as-stored", "PUT", "/books/1", {"tags": [{"id": 2, "label": "humour"}]}),
    send("a9-update-no-array", "PUT", "/users/1", {"books": "nothing"}, then=("/users/1",)),
    send("a9-update-unknown-nested", "PUT", "/books/1", {"author": {"id": 2, "colour": "x"}}),
    send("a9-create-unknown-nested", "POST", "/books", {"title": "x", "author": _user(colour=1)}),
    send("a9-update-link-as-text", "PUT", "/books/1", {"author": {"id": "2"}}, then=("/books/1",)),
    send("a9-update-plain", "PUT", "/users/1", {"age": 43}),
    send("a9-update-no-foreign-keys", "PUT", "/slim-books/1", {"pages": 1}),
    send("a9-delete-linked", "DELETE", "/books/1", then=("/books/1", "/tags")),
)
