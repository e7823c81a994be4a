"""Actions, methods, statuses and bodies."""

from typing import Final

from tests.conformance.case import Case, Request, get, send

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_OLD = "2001-01-01T00:00:00.000Z"
_STAMP = "2018-08-16T02:22:09.446Z"
_ARTHUR = {
    "id": 1,
    "username": "arthur",
    "email": "arthur@hidden.example",
    "age": 43,
    "active": True,
    "createdAt": _STAMP,
    "updatedAt": _STAMP,
    "books": [
        {"id": 1, "title": "Tea", "pages": 100, "authorId": 1},
        {"id": 2, "title": "Towels", "pages": 42, "authorId": 1},
    ],
    "profile": {"id": 1, "nickname": "qwerty", "userId": 1},
}
_BREAD = {"partNumber": "ban-bd", "name": "Banana Bread"}


def _form(name: str, method: str, path: str, body: str) -> Case:
    return Case(name, (Request(method, path, body.encode(), _FORM), Request("GET", path)))


CASES: Final[tuple[Case, ...]] = (
    send("a3-create", "POST", "/parts", _BREAD, then=("/parts/8",)),
    send("a3-create-empty", "POST", "/parts", {}),
    send("a3-create-no-body", "POST", "/parts"),
    send("a3-create-unknown-key", "POST", "/parts", {**_BREAD, "colour": "brown"}),
    send("a3-create-chosen-id", "POST", "/parts", {**_BREAD, "id": 70}, then=("/parts/70",)),
    send("a3-create-array", "POST", "/parts", [_BREAD, _BREAD], then=("/parts",)),
    send("a3-create-array-of-required", "POST", "/gadgets", [{"name": "one"}]),
    send("a3-create-text", "POST", "/parts", b'"text"', then=("/parts",)),
    send("a3-create-number-as-text", "POST", "/parts", {"modelNumber": 1}),
    send("a3-create-timestamps", "POST", "/parts", {**_BREAD, "createdAt": _OLD}),
    send("a3-create-base", "POST", "/v1/parts", _BREAD),
    send("a3-create-located-by-name", "POST", "/gadgets", {"name": "a/b c", "price": 1}),
    send("a3-create-hidden", "POST", "/gadgets", {"name": "bolt", "secret": "x"}),
    send("a3-create-read-only", "POST", "/gadgets", {"name": "bolt", "owner": "me"}),
    Case("a3-create-form", (Request("POST", "/parts", b"name=Banana", _FORM),)),
    _form("a3-create-form-unknown", "POST", "/parts", "name=Banana&colour=brown"),
    _form("a3-create-form-number", "POST", "/users", "username=zaphod&age=42&active=true"),
    _form("a3-create-form-invalid", "POST", "/users", "username=zaphod&age=old"),
    _form("a3-create-form-repeated", "POST", "/parts", "name=a&name=b"),
    _form("a3-create-form-nested", "POST", "/books", "title=Form&author[id]=2"),
    _form("a3-create-form-array", "POST", "/books", "title=Form&tags[0][label]=new"),
    _form("a3-update-form", "PUT", "/parts/1", "name=A+B%C3%A4&description="),
    send("a3-create-malformed", "POST", "/parts", b'{"name":'),
    send("a3-create-duplicate-member", "POST", "/parts", b'{"name":"a","name":"b"}'),
    get("a3-list", "/parts"),
    get("a3-list-hidden", "/gadgets"),
    get("a3-read", "/parts/1"),
    get("a3-read-hidden", "/gadgets/saw"),
    get("a3-read-missing", "/parts/99"),
    get("a3-read-no-number", "/parts/abc"),
    get("a3-read-by-name", "/gadgets/100%25%20wool"),
    send("a3-update", "PUT", "/parts/1", {"name": "Renamed"}, then=("/parts/1",)),
    send("a3-update-null", "PUT", "/parts/1", {"name": None}, then=("/parts/1",)),
    send("a3-update-unknown-key", "PUT", "/parts/1", {"colour": "brown"}),
    send("a3-update-as-read", "PUT", "/users/1", _ARTHUR, then=("/users/1",)),
    send("a3-update-timestamps", "PUT", "/parts/1", {"createdAt": _OLD, "name": "x"}),
    send("a3-update-unknown-parameter", "PUT", "/parts/1?colour=brown", {"name": "x"}),
    send("a3-delete-unknown-parameter", "DELETE", "/parts/1?colour=brown"),
    send("a3-update-id", "PUT", "/parts/1", {"id": 70, "name": "x"}, then=("/parts/1",)),
    send("a3-update-empty", "PUT", "/parts/1", {}),
    send("a3-update-no-body", "PUT", "/parts/1"),
    send("a3-update-missing", "PUT", "/parts/99", {"name": "x"}),
    send("a3-update-invalid-missing", "PUT", "/users/99", {"username": None}),
    send("a3-update-read-only", "PUT", "/gadgets/saw", {"owner": "me", "price": 5}),
    send("a3-update-hidden", "PUT", "/gadgets/saw", {"secret": "x"}),
    send("a3-update-key-by-name", "PUT", "/gadgets/saw", {"name": "axe"}, then=("/gadgets/saw",)),
    send("a3-patch", "PATCH", "/parts/1", {"name": "Renamed"}),
    send("a3-patch-where-chosen", "PATCH", "/v1/parts/1", {"name": "Renamed"}),
    send("a3-put-where-patch-chosen", "PUT", "/v1/parts/1", {"name": "Renamed"}),
    send("a3-delete", "DELETE", "/parts/1", then=("/parts/1", "/parts")),
    send("a3-delete-missing", "DELETE", "/parts/99"),
    send("a3-delete-then-create", "DELETE", "/parts/7", then=("/parts/7",)),
    Case("a3-head-list", (Request("HEAD", "/parts"),)),
    Case("a3-head-read", (Request("HEAD", "/parts/1"),)),
    Case("a3-options-list", (Request("OPTIONS", "/parts"),)),
    Case("a3-options-read", (Request("OPTIONS", "/parts/1"),)),
    send("a3-unknown-verb", "PATCH", "/parts", {}),
    send("a3-delete-all", "DELETE", "/parts", then=("/parts",)),
    send("a3-action-not-there", "POST", "/unpaged", {"name": "x"}),
    get("a3-unknown-route", "/nothing"),
    get("a3-trailing-slash", "/parts/", "/parts/1/"),
    get("a3-upper-case", "/PARTS"),
    get("a3-etag", "/parts/1", headers=("etag",)),
    get("a3-media-type", "/parts", headers=("content-type",)),
)
