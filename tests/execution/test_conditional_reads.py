"""Validators and 304 of requests that read: rows, lists, streams, hooks and callers."""

from typing import Any

import httpx
import pytest

from encore import Context, Crud, stop
from encore.execution.context import Response
from encore.secret_key import Secret
from tests.fixtures.library import CLAIMS, Api
from tests.fixtures.library_models import Book, Country, User
from tests.fixtures.openapi import resolved

OLD = "Sun, 06 Nov 1994 08:49:37 GMT"
LATER = "Sun, 06 Nov 2095 08:49:37 GMT"


@pytest.fixture
def users(api: Api) -> Api:
    api.crud.resource(User)
    for name in ("A", "B", "C"):
        api.create("/users", firstName=name)
    return api


def first_path(api: Api) -> str:
    return f"/users/{api.rows(User)[0]['id']}"


def unchanged(api: Api, path: str, tag: str, method: str = "GET") -> bool:
    """Return whether the response to a tag is 304, and check that it is one."""
    response = api.request(method, path, headers={"If-None-Match": tag})
    if response.status_code == 200:
        return False
    assert response.status_code == 304
    assert response.content == b""
    assert response.headers["cache-control"] == "no-store"
    assert "authorization" in response.headers["vary"].lower()
    absent = {"content-type", "content-range", "content-length", "link"}
    assert not absent & set(response.headers)
    return True


@pytest.mark.parametrize("path", ["item", "/users", "/users?count=1", "/users?firstName=none"])
def test_known_tag_is_304_for_get_and_head(users: Api, path: str) -> None:
    path = first_path(users) if path == "item" else path
    got = users.get(path)
    head = users.request("HEAD", path)
    tag = got.headers["etag"]
    assert head.headers["etag"] == tag
    assert tag.startswith('"')
    for value in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        assert unchanged(users, path, value)
        assert unchanged(users, path, value, "HEAD")
    for value in ('"x"', tag.replace(".", "x"), f'"{tag.strip(chr(34)).partition(".")[0]}"'):
        assert not unchanged(users, path, value)
    response = users.get(path, headers={"If-None-Match": tag})
    assert response.headers["etag"] == tag
    assert response.headers.get("last-modified") == got.headers.get("last-modified")
    if path.startswith("/users?") or path == "/users":
        assert "accept" in response.headers["vary"].lower()


def test_tag_of_a_list_changes_with_its_page(users: Api) -> None:
    paths = ("/users", "/users?count=2", "/users?count=2&offset=1", "/users?sort=-id")
    tags = {path: users.get(path).headers["etag"] for path in paths}
    assert len(set(tags.values())) == len(tags)
    users.create("/users", firstName="D")
    # The first two rows are the same, but the total is not.
    assert not unchanged(users, "/users?count=2", tags["/users?count=2"])
    users.put(first_path(users), {"age": 7})
    assert not unchanged(users, "/users", tags["/users"])


def test_selected_fields_are_another_representation_of_one_row(users: Api) -> None:
    path = first_path(users)
    tags = [
        users.get(f"{path}{query}").headers["etag"]
        for query in ("", "?fields=id", "?fields=id,age", "?fields=age,id")
    ]
    assert len(set(tags)) == 3
    assert tags[2] == tags[3]
    assert len({tag.partition(".")[0] for tag in tags}) == 1
    assert users.put(path, {"age": 1}, headers={"If-Match": tags[1]}).status_code == 200


def test_if_modified_since_is_judged_in_whole_seconds(users: Api) -> None:
    path = first_path(users)
    last = users.get(path).headers["last-modified"]

    def status(date: str, **more: str) -> int:
        headers = {"If-Modified-Since": date, **more}
        return users.get(path, headers=headers).status_code

    assert [status(date) for date in (last, LATER, OLD, "yesterday")] == [304, 304, 200, 200]
    assert status(LATER, **{"If-None-Match": '"x"'}) == 200
    assert users.get("/users", headers={"If-Modified-Since": LATER}).status_code == 200


@pytest.mark.parametrize("stage", ["start", "auth"])
@pytest.mark.parametrize("action", ["read", "list"])
def test_tag_of_an_early_hook_replaces_the_row_s(api: Api, stage: str, action: str) -> None:
    users = api.crud.resource(User)
    hooks = users.hooks[action].stage(stage)
    hooks.before(lambda context: context.headers.append((b"etag", b'"own"')))
    api.create("/users", firstName="A")
    path = first_path(api) if action == "read" else "/users"
    assert api.get(path).headers.get_list("etag") == ['"own"']
    assert unchanged(api, path, '"own"')
    assert not unchanged(api, path, '"other"')


def test_if_match_of_a_read_is_compared(users: Api) -> None:
    for path in (first_path(users), "/users"):
        tag = users.get(path).headers["etag"]
        for value, status in ((tag, 200), ("*", 200), ('"x"', 412), (f"W/{tag}", 412)):
            response = users.get(path, headers={"If-Match": value})
            assert response.status_code == status, (path, value)
        both = {"If-Match": tag, "If-None-Match": tag}
        assert users.get(path, headers=both).status_code == 304
    path = first_path(users)
    assert users.get(path, headers={"If-Match": '"x"'}).headers["etag"]
    assert users.get("/users/999", headers={"If-Match": '"x"'}).status_code == 404
    assert users.get("/users/999", headers={"If-None-Match": "*"}).status_code == 404
    assert users.get(path, headers={"If-Unmodified-Since": OLD}).status_code == 412
    assert users.get("/users", headers={"If-Unmodified-Since": LATER}).status_code == 412


def test_malformed_header_is_400_before_anything_else(users: Api) -> None:
    for name in ("If-Match", "If-None-Match"):
        for path in ("/users", "/users/999", "/users?nothing=1"):
            response = users.get(path, headers={name: "x"})
            assert response.status_code == 400
            assert response.json()["errors"][0]["field"] == name


@pytest.mark.parametrize("type_", ["text/csv", "application/x-ndjson"])
def test_stream_has_no_tag(users: Api, type_: str) -> None:
    def get(**headers: str) -> httpx.Response:
        return users.get("/users", headers={"Accept": type_, **headers})

    tag = users.get("/users").headers["etag"]
    assert "etag" not in get().headers
    assert get(**{"If-None-Match": tag}).status_code == 200
    assert get(**{"If-None-Match": "*"}).status_code == 304
    assert get(**{"If-Match": tag}).status_code == 412
    assert get(**{"If-Match": "x"}).status_code == 400
    assert get(**{"If-Match": "*"}).status_code == 200
    assert get(**{"If-Unmodified-Since": LATER}).status_code == 412


def test_embedded_rows_are_part_of_the_representation(api: Api) -> None:
    api.crud.resource(Book, include=["author"])
    api.crud.resource(User)
    book = api.create("/books", title="T", author={"firstName": "A"})
    path, author = f"/books/{book['id']}", f"/users/{book['author']['id']}"
    for got in (path, "/books"):
        before = api.get(got)
        assert unchanged(api, got, before.headers["etag"])
        api.put(author, {"age": (api.read(author)["age"] or 0) + 1})
        assert not unchanged(api, got, before.headers["etag"])
    # The book itself was not written: its date says nothing of its author.
    assert api.get(path, headers={"If-Modified-Since": LATER}).status_code == 200
    tag = before.headers["etag"]
    after = api.get(path).headers["etag"]
    assert tag.partition(".")[0] != after.partition(".")[0]  # A list's, and a row's.
    assert api.put(path, {"pages": 3}, headers={"If-Match": after}).status_code == 200


def test_nested_resource_has_the_tags_of_its_rows(api: Api) -> None:
    api.crud.resource(User, associations=True)
    api.crud.resource(Book)
    user = api.create("/users", firstName="A", books=[{"title": "T"}])
    books = f"/users/{user['id']}/books"
    tag = api.get(books).headers["etag"]
    assert unchanged(api, books, tag)
    book = api.read(books)[0]
    nested = api.get(f"{books}/{book['id']}")
    own = api.get(f"/books/{book['id']}")
    part = own.headers["etag"].partition(".")[0]
    assert nested.headers["etag"].partition(".")[0] == part
    path = f"/books/{book['id']}"
    assert api.put(path, {"pages": 1}, headers={"If-Match": f'{part}"'}).status_code == 200
    assert not unchanged(api, books, tag)


def add_member(context: Context) -> None:
    for record in context.instance if isinstance(context.instance, list) else [context.instance]:
        record["seen"] = context.claims["sub"] + context.claims.get("more", "")


@pytest.mark.parametrize("stage", ["fetch", "data", "send"])
def test_member_that_hooks_add_is_part_of_the_representation(api: Api, stage: str) -> None:
    users = api.crud.resource(User)
    for name in ("read", "list", "update"):
        timing = "before" if stage == "send" else "after"
        getattr(users.hooks[name].stage(stage), timing)(add_member)
    api.create("/users", firstName="A")
    path = first_path(api)
    for got in (path, "/users"):
        first = api.get(got)
        assert "seen" in first.text
        assert unchanged(api, got, first.headers["etag"])
        CLAIMS["more"] = "x"
        try:
            assert not unchanged(api, got, first.headers["etag"])
        finally:
            del CLAIMS["more"]


def test_response_that_hooks_make_is_tagged_by_its_body(api: Api) -> None:
    users = api.crud.resource(User)
    texts = iter([b"1", b"1", b"2", b"3"])

    def change(context: Context) -> None:
        context.body = next(texts)

    users.read.complete.after(change)
    api.create("/users", firstName="A")
    path = first_path(api)
    tag = api.get(path).headers["etag"]
    assert unchanged(api, path, tag)
    assert not unchanged(api, path, tag)
    assert api.get(path, headers={"If-Modified-Since": LATER}).status_code == 200


def test_tag_and_response_of_a_hook_are_left_as_they_are(api: Api) -> None:
    users = api.crud.resource(User)

    def set_tag(context: Context) -> None:
        context.headers.append((b"etag", b'W/"mine"'))

    def respond(context: Context) -> Any:
        if context.path_params["id"] == "0":
            return stop(Response(200, [], b"own"))
        return None

    users.read.send.after(set_tag)
    users.read.start.before(respond)
    api.create("/users", firstName="A")
    path = first_path(api)
    response = api.get(path)
    assert response.headers.get_list("etag") == ['W/"mine"']
    assert unchanged(api, path, '"mine"')
    assert not unchanged(api, path, '"x"')
    assert api.get("/users/0").content == b"own"
    assert "etag" not in api.get("/users/0").headers


def test_tags_of_callers_differ_and_those_of_their_tokens_do_not(
    users: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = first_path(users)
    tags: dict[str, str] = {}
    for name, value in (("exp", 7), ("iss", "x"), ("cid", "c"), ("sub", "b")):
        tags[name] = users.get(path).headers["etag"]
        monkeypatch.setitem(CLAIMS, name, value)
    assert tags["exp"] == tags["iss"]
    assert len(set(tags.values())) == 3
    assert len({tag.partition(".")[0] for tag in tags.values()}) == 1


def test_tags_are_those_of_another_service_with_the_same_secret(library_url: str) -> None:
    tags: list[str] = []
    for secret in (b"x" * 32, b"x" * 32, b"y" * 32):
        api = Api(library_url)
        api.crud = Crud(api.app, api.database, scopes=("library",), secret=secret)
        api.crud.resource(Country)
        if not tags:
            api.request("DELETE", "/countries/tagged")
            api.create("/countries", code="tagged", name="tagged")
        tags.append(api.get("/countries/tagged").headers["etag"])
        api.close()
    assert tags[0] == tags[1]
    assert tags[0].partition(".")[0] != tags[2].partition(".")[0]


class UnavailableSecret(Secret):
    """A secret that cannot be read yet, as when its table is missing."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded = False


def test_without_the_secret_there_are_no_tags_and_none_is_compared(library_url: str) -> None:
    api = Api(library_url)
    secret = UnavailableSecret()
    api.crud = Crud(api.app, api.database, scopes=("library",), secret=secret)
    api.crud.resource(Country)
    api.request("DELETE", "/countries/tagged")
    created = api.post("/countries", {"code": "tagged", "name": "tagged"})
    path = "/countries/tagged"
    assert created.status_code == 201
    assert "etag" not in created.headers
    assert "etag" not in api.get(path).headers
    response = api.put(path, {}, headers={"If-Match": '"x"'})
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert api.put(path, {}, headers={"If-Match": "*"}).status_code == 200
    secret.loaded = True
    tag = api.get(path).headers["etag"]
    assert api.put(path, {}, headers={"If-Match": tag}).status_code == 200
    api.close()


def test_descriptions_name_validators_and_conditions(users: Api) -> None:
    paths = resolved(users.app.openapi())["paths"]
    item, collection = paths["/users/{id}"], paths["/users"]
    for operation, status in (
        (item["get"], "200"), (item["put"], "200"), (collection["get"], "200"),
        (collection["post"], "201"),
    ):  # fmt: skip
        assert "ETag" in operation["responses"][status]["headers"]
    assert "304" in item["get"]["responses"]
    assert "304" in collection["get"]["responses"]
    assert "Last-Modified" in item["get"]["responses"]["200"]["headers"]
    named = {p["name"] for p in item["get"]["parameters"]}
    assert {"If-None-Match", "If-Modified-Since"} <= named
    for method in ("put", "patch", "delete"):
        named = {p["name"] for p in item[method]["parameters"]}
        assert {"If-Match", "If-Unmodified-Since"} <= named
        failed = item[method]["responses"]["412"]
        assert {"ETag", "Last-Modified"} <= failed["headers"].keys()
        assert "description" in failed
    for method in ("put", "patch"):
        assert "ETag" in item[method]["responses"]["204"]["headers"]
