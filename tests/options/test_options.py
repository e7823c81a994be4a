"""The options of a resource: their effects, and the errors of invalid ones."""

from typing import Any
from urllib.parse import quote

import pytest

from encore import ConfigurationError, Crud, SearchOptions, SortOptions
from encore.endpoints.endpoint import Operation
from encore.http.access import Access
from encore.options import AssociationOptions, Include
from tests.fixtures.library import Api, assert_field_errors
from tests.fixtures.library_models import Book, Country, Kind, Seat, Token, User

MISTAKES: list[tuple[str, Any]] = [
    ("endpoints", "/users"),
    ("endpoints", ["users"]),
    ("endpoints", ["/users", "/users/{nope}"]),
    ("endpoints", ["/users", "/users/{id}/{id}"]),
    ("endpoints", ["/users", "/users/{id"]),
    ("endpoints", ["/a", "/b/{id}", "/c"]),
    ("actions", ["creat"]),
    ("actions", "create"),
    ("include", ["nope"]),
    ("include", "books"),
    ("include", [1]),
    ("include", [Include("nope")]),
    ("include", [Include("books", attributes=["nope"])]),
    ("include", [Include("books", exclude_attributes=["nope"])]),
    ("include", [Include("books", include=["nope"])]),
    ("associations", "yes"),
    ("associations", AssociationOptions(exclude_attributes={"nope": ["id"]})),
    ("associations", AssociationOptions(exclude_attributes={"books": ["nope"]})),
    ("associations", AssociationOptions(exclude_attributes={"books": "id"})),
    ("pagination", 1),
    ("search", "q"),
    ("search", SearchOptions("")),
    ("search", SearchOptions(attributes=["nope"])),
    ("search", SearchOptions(attributes=["books.title"])),
    ("search", SearchOptions(operator="resembles")),
    ("search", SearchOptions(operator="is_null")),
    ("search", SearchOptions(override="STARTSWITH")),
    ("search", SearchOptions(operator="gt", override="STARTS_WITH")),
    ("search", SearchOptions(operator="endswith", override="STARTS_WITH")),
    ("search", SearchOptions(attributes=["age"])),
    ("search", SearchOptions(attributes=["firstName", "age"], operator="notLike")),
    ("search", SearchOptions(attributes=["age"], override="STARTS_WITH")),
    ("search", SearchOptions("sort")),
    ("search", SearchOptions("count")),
    ("search", [SearchOptions("a"), SearchOptions("a")]),
    ("sort", "name"),
    ("sort", SortOptions(attributes=["nope"])),
    ("sort", SortOptions(default="nope")),
    ("sort", SortOptions(attributes=["email"], default="-id")),
    ("sort", SortOptions("count")),
    ("reload_instances", None),
    ("exclude_attributes", ["nope"]),
    ("write_only_attributes", ["nope"]),
    ("write_only_attributes", "secret"),
    ("write_only_attributes", {"own": ["nope"]}),
    ("write_only_attributes", {"nope": ["id"]}),
    ("write_only_attributes", {"books": ["nope"]}),
    ("exclude_attributes", "secret"),
    ("exclude_attributes", {"own": ["nope"]}),
    ("exclude_attributes", {"nope": ["id"]}),
    ("exclude_attributes", {"books": ["nope"]}),
    ("include", ["books", Include("books", limit=1)]),
    ("include", [Include("books", include=["author", "author"])]),
    ("include", [Include("books", attributes=["title"], exclude_attributes=["title"])]),
    ("read_only_attributes", ["nope"]),
    ("read_only_attributes", "email"),
    ("set_by_hooks", "email"),
    ("set_by_hooks", ["nope"]),
    ("set_by_hooks", ["id"]),
    ("update_method", "DELETE"),
    ("update_method", None),
    ("put_replaces", "no"),
    ("presets", ["long"]),
    ("presets", {"long": "pages > 1"}),
    ("presets", {"long": lambda: "pages > 1"}),
    ("access", {"creat": "x"}),
    ("access", {"create": 1}),
    ("access", {"create": "read write"}),
    ("access", {"all": ["read", ""]}),
    ("access", "x"),
    ("bodies", {"read": {}}),
    ("bodies", {"update": "object"}),
    ("bodies", "update"),
    ("bodies", {"update": {"default": object()}}),
    ("bodies", {"update": {"default": float("nan")}}),
    ("description", "\ud800"),
    ("hook_seconds", 0),
    ("hook_seconds", "1"),
    ("scope", "x"),
    ("exclude", ["secret"]),
]


@pytest.mark.parametrize(("option", "value"), MISTAKES)
def test_a_mistake_fails_at_once_and_names_resource_and_option(
    api: Api, option: str, value: Any
) -> None:
    with pytest.raises(ConfigurationError, match=rf"^resource User: option {option}: "):
        api.crud.resource(User, **{option: value})


def test_field_that_is_write_only_and_read_only_is_rejected(api: Api) -> None:
    with pytest.raises(ConfigurationError, match="'secret' contradicts read_only_attributes"):
        api.crud.resource(User, write_only_attributes=["secret"], read_only_attributes=["secret"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"put_replaces": True, "update_method": "post"}, "option put_replaces: there is no PUT"),
        ({"put_replaces": True, "actions": ["list"]}, "option put_replaces: there is no PUT"),
        ({"bodies": {"create": {}}, "actions": ["list"]}, "option bodies: there is no create"),
    ],
)
def test_option_of_operation_that_is_left_out_is_rejected(
    api: Api, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        api.crud.resource(User, **options)


def test_search_through_output_relation_is_accepted(api: Api) -> None:
    api.crud.resource(User, include=["books"], search=SearchOptions(attributes=["books.title"]))
    api.create("/users", firstName="A", books=[{"title": "found"}])
    assert len(api.read("/users", q="oun")) == 1


@pytest.mark.parametrize("model", [object, None, 5, "User"])
def test_class_not_a_model_is_rejected(api: Api, model: Any) -> None:
    with pytest.raises(ConfigurationError, match="option model"):
        api.crud.resource(model)


@pytest.mark.parametrize("base", ["v1", "/v1/", "/{x", 5])
def test_wrong_base_class_is_rejected(api: Api, base: Any) -> None:
    with pytest.raises(ConfigurationError, match="option base"):
        Crud(api.app, api.database, base=base).resource(User)


def test_rows_are_found_by_another_column_and_say_so_in_location(api: Api) -> None:
    api.crud.resource(Country, endpoints=("/entries", "/entries/{name}"))
    name = "Côte d'Ivoire?#% 1/2"
    answer = api.post("/entries", {"code": "CI", "name": name})
    assert answer.headers["location"] == f"/entries/{quote(name, safe='')}"
    assert api.get(answer.headers["location"]).json()["code"] == "CI"
    path = answer.headers["location"]
    assert_field_errors(api.put(path, {"name": "x"}), 400, "name")
    assert_field_errors(api.put(path, {"code": "y"}), 400, "code")
    assert api.put(path, {"name": name, "code": "CI"}).json()["name"] == name
    assert api.delete(answer.headers["location"]).status_code == 200


def test_composite_text_and_uuid_keys_have_locations_that_lead_there(api: Api) -> None:
    for model in (Seat, Country, Token):
        api.crud.resource(model)
    for path, body in (
        ("/seats", {"line": "Ä b", "number": 7}),
        ("/countries", {"code": "a&b=c", "name": "n"}),
        ("/tokens", {"note": "n"}),
    ):
        answer = api.post(path, body)
        assert answer.status_code == 201
        assert api.read(answer.headers["location"]) == answer.json()
        assert api.delete(answer.headers["location"]).json() == {}
        assert api.get(answer.headers["location"]).status_code == 404
    for missing in ("/seats/A/x", "/tokens/x", "/seats/A"):
        assert api.get(missing).status_code == 404


def test_base_stands_before_every_path_and_in_location(api: Api) -> None:
    Crud(api.app, api.database, base="/v1", scopes=("x",)).resource(User, associations=True)
    answer = api.post("/v1/users", {"firstName": "A"})
    assert answer.headers["location"] == "/v1/users/1"
    assert api.read("/v1/users/1/books") == []
    assert api.get("/users").status_code == 404


def test_only_the_actions_named_are_there(api: Api) -> None:
    api.crud.resource(User, actions=["list", "update"])
    api.crud.resource(Book, actions=["create"])
    for method, path, status, allow in (
        ("POST", "/users", 405, "GET, HEAD, OPTIONS, PATCH"),
        ("GET", "/users/1", 405, "OPTIONS, PATCH, PUT"),
        ("DELETE", "/users/1", 405, "OPTIONS, PATCH, PUT"),
        ("GET", "/books", 405, "OPTIONS, POST"),
        ("GET", "/books/1", 404, None),
    ):
        answer = api.request(method, path)
        assert (answer.status_code, answer.headers.get("allow")) == (status, allow)


def test_without_pagination_there_is_no_limit_and_no_content_range(api: Api) -> None:
    api.crud.resource(Country, pagination=False)
    for n in range(105):
        api.create("/countries", code=f"{n:03}", name=str(n))
    for query in ("count=2", "page=1"):
        assert_field_errors(api.get(f"/countries?{query}"), 400, query.partition("=")[0])
    answer = api.get("/countries?offset=3")
    assert "content-range" not in answer.headers
    assert [row["code"] for row in answer.json()] == [f"{n:03}" for n in range(3, 105)]


@pytest.mark.parametrize("verb", ["PUT", "POST", "PATCH", "patch"])
def test_update_has_the_verb_named_and_patch(api: Api, verb: str) -> None:
    api.crud.resource(User, update_method=verb)
    api.create("/users", firstName="A", age=1)
    allowed = {verb.upper(), "PATCH"}
    for method in ("PUT", "POST", "PATCH"):
        answer = api.request(method, "/users/1", json={"age": 2})
        assert answer.status_code == (200 if method in allowed else 405)
    assert api.read("/users/1")["firstName"] == "A"


def test_put_replaces_sets_what_is_left_out_and_patch_does_not(api: Api) -> None:
    api.crud.resource(User, put_replaces=True)
    api.create("/users", firstName="A", age=1, email="a@x", rank=3)
    assert api.request("PATCH", "/users/1", json={"age": 2}).json()["email"] == "a@x"
    assert_field_errors(api.put("/users/1", {"age": 2}), 400, "firstName")
    row = api.put("/users/1", {"firstName": "B", "rank": 4}).json()
    assert (row["firstName"], row["email"], row["age"]) == ("B", None, None)


def test_read_only_attributes_are_accepted_unchanged_alone(api: Api) -> None:
    api.crud.resource(User, read_only_attributes=["email"])
    assert_field_errors(api.post("/users", {"firstName": "A", "email": "a@x"}), 400, "email")
    assert api.rows(User) == []
    path = f"/users/{api.create('/users', firstName='A', email=None)['id']}"
    assert_field_errors(api.put(path, {"email": "a@x", "age": 1}), 400, "email")
    assert api.put(path, {"email": None, "age": 1}).json()["age"] == 1


def test_each_action_asks_for_its_own_scopes(api: Api) -> None:
    api.crud.resource(
        Kind,
        access={
            "create": "write",
            "list": ["read", "many"],
            "read": Access(public=True),
            "all": "any",
        },
    )
    api.crud.resource(User)
    found = {
        (operation.pipeline.action.resource.name, operation.pipeline.action.name): operation.access
        for route in api.app.router.routes
        if isinstance(operation := getattr(route, "endpoint", None), Operation)
    }
    assert found["Kind", "create"] == Access(all_of=("write",))
    assert found["Kind", "list"] == Access(all_of=("read", "many"))
    assert found["Kind", "read"] == Access(public=True)
    assert found["Kind", "delete"] == Access(all_of=("any",))
    assert found["User", "delete"] == Access(all_of=("library",))
