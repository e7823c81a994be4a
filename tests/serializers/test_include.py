"""Related rows embedded in what is given out."""

import pytest

from encore.options import AssociationOptions, Include
from tests.fixtures.library import Api
from tests.fixtures.library_models import Book, Node, Seat, Tag, Ticket, User


def shelve(api: Api) -> None:
    """Two authors, three books of the first, two tags; the first has a profile."""
    crud = api.crud
    users = crud.resource(User, include=["books", "profile"], exclude_attributes=["secret"])
    assert users.item_path == "/users/{id}"
    crud.resource(Book, include=["author", "tags"])
    crud.resource(Tag, endpoints=("/tags", "/tags/{id}"))
    api.create(
        "/users",
        firstName="Ada",
        profile={"nickname": "countess"},
        books=[{"title": "C"}, {"title": "A"}, {"title": "B"}],
    )
    api.create("/users", firstName="Bob")
    api.create("/books", title="D", tags=[{"label": "x"}, {"label": "y"}])


def test_embedded_rows_have_order_of_relationship(api: Api) -> None:
    shelve(api)
    row = api.read("/users/1")
    assert [book["title"] for book in row["books"]] == ["A", "B", "C"]
    assert row["profile"]["nickname"] == "countess"
    assert row["books"][0]["authorId"] == 1


def test_row_without_related_rows_shows_empty_array_and_null(api: Api) -> None:
    shelve(api)
    row = api.read("/users/2")
    assert (row["books"], row["profile"]) == ([], None)


def test_embedded_row_has_every_field_unless_excluded(api: Api) -> None:
    shelve(api)
    author = api.read("/books/1")["author"]
    assert author["firstName"] == "Ada"
    assert {"createdAt", "updatedAt", "rank"} <= author.keys()


@pytest.mark.parametrize("many", [1, 7, 60])
def test_page_of_any_length_takes_one_statement_a_relation(api: Api, many: int) -> None:
    shelve(api)
    for n in range(many):
        api.create("/books", title=f"n{n}", author={"id": 1 + n % 2}, tags=[{"id": 1}, {"id": 2}])
    api.database.sql.clear()
    rows = api.read("/books", count=many)
    assert len(rows) == many
    assert len(api.database.sql) == 4  # The page, its count, the authors, the tags.


def test_more_keys_than_one_statement_allows_are_fetched_in_batches(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("encore.serializers.relation_statements.MAX_KEYS", 4)
    shelve(api)
    for n in range(9):
        api.create("/users", firstName=f"n{n}", books=[{"title": f"t{n}"}])
    rows = api.read("/users", firstName__startswith="n")
    assert [row["books"][0]["title"] for row in rows] == [f"t{n}" for n in range(9)]


def test_include_with_attributes_and_nested_include_shows_them(api: Api) -> None:
    inner = Include("tags", attributes=["label"])
    api.crud.resource(User, include=[Include("books", attributes=["id", "title"], include=[inner])])
    api.create("/users", firstName="Ada", books=[{"title": "A"}])
    api.crud.resource(Book, endpoints=("/all-books",), actions=["create"])
    assert api.read("/users/1")["books"] == [{"id": 1, "title": "A", "tags": []}]


def test_associations_embed_every_relation(api: Api) -> None:
    api.crud.resource(User, associations=True)
    row = api.create("/users", firstName="Ada")
    assert (row["books"], row["profile"], row["loans"]) == ([], None, [])


def test_associations_without_auto_populate_have_paths_only(api: Api) -> None:
    api.crud.resource(User, associations=AssociationOptions(auto_populate=False))
    row = api.create("/users", firstName="Ada")
    assert "books" not in row
    assert api.read("/users/1/books") == []


def test_remove_foreign_keys_hides_them_in_rows_and_related_rows(api: Api) -> None:
    api.crud.resource(Book, associations=AssociationOptions(remove_foreign_keys=True))
    api.crud.resource(
        User,
        associations=AssociationOptions(
            remove_foreign_keys=True, exclude_attributes={"profile": ["nickname"]}
        ),
        write_only_attributes={"profile": ["nickname"]},
    )
    user = api.create(
        "/users", firstName="Ada", books=[{"title": "A"}], profile={"nickname": "countess"}
    )
    assert "authorId" not in user["books"][0]
    assert not {"nickname", "userId"} & user["profile"].keys()
    assert "authorId" not in api.read("/books/1")
    assert "authorId" not in api.read("/users/1/books")[0]
    assert not {"nickname", "userId"} & api.read("/users/1/profile").keys()


def test_excluded_attributes_are_hidden_on_nested_path(api: Api) -> None:
    api.crud.resource(
        User,
        associations=True,
        include=[Include("books", attributes=["id", "title"])],
        exclude_attributes={"own": ["secret"], "profile": ["nickname"]},
        write_only_attributes=["secret"],
    )
    api.create("/users", firstName="A", secret="s", books=[{"title": "B"}])
    assert api.read("/users/1/books") == [{"id": 1, "title": "B"}]
    assert "secret" not in api.read("/users/1")


def test_self_reference_embeds_parent_and_children(api: Api) -> None:
    api.crud.resource(Node, associations=True)
    api.create("/nodes", name="root", children=[{"name": "a"}, {"name": "b"}])
    assert [child["name"] for child in api.read("/nodes/1")["children"]] == ["a", "b"]
    assert api.read("/nodes/2")["parent"]["name"] == "root"


def test_composite_keys_embed_in_both_directions(api: Api) -> None:
    api.crud.resource(Seat, associations=True)
    api.crud.resource(Ticket, associations=True)
    api.create("/seats", line="A", number=1, tickets=[{}, {}])
    api.create("/seats", line="A", number=2)
    ticket = api.create("/tickets", seat={"line": "A", "number": 2})
    assert ticket["seat"] == {"line": "A", "number": 2, "note": None}
    assert [len(seat["tickets"]) for seat in api.read("/seats")] == [2, 1]


def test_shallow_embeds_only_requested_children(api: Api) -> None:
    users = api.crud.resource(User, associations=True)

    @users.all.start.before
    def shallow(context: object) -> None:
        context.shallow = True  # type: ignore[attr-defined] # As a hook of any kind may.

    api.post("/users", {"firstName": "Ada", "books": [{"title": "A"}]})
    assert "books" not in api.read("/users/1")
    row = api.read("/users/1", children="books|profile")
    assert [book["title"] for book in row["books"]] == ["A"]
    assert row["profile"] is None
    assert "loans" not in row
    assert "profile" not in api.read("/users", children="books")[0]
    assert api.get("/users/1?children=nobody").status_code == 400


def test_children_parameter_selects_embedded_relations(api: Api) -> None:
    api.crud.resource(User, associations=True)
    api.create("/users", firstName="Ada")
    row = api.read("/users/1", children="books")
    assert "books" in row
    assert not {"profile", "loans"} & row.keys()
