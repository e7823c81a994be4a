"""Filters, search and sort: through relations, on every type, and unknown names."""

from typing import Any
from urllib.parse import quote

import pytest

from encore import SearchOptions, SortOptions
from encore.query.operators import OPERATORS
from tests.fixtures.library import Api, assert_field_errors, error_fields
from tests.fixtures.library_models import Book, Kind, Node, Odd, Tag, User

BOTH = [
    {"id": 1, "text": "Ab%", "short": "a", "whole": 1, "big": 2**62, "real": 0.5},
    {"id": 2, "text": "ab_c", "short": "b", "whole": -5, "big": -1, "real": 1e10},
]
MORE: list[dict[str, Any]] = [
    {
        "amount": "1.50",
        "ratio": "0.1",
        "flag": True,
        "day": "2020-02-29",
        "clock": "01:02:03",
        "naive": "2020-01-01T00:00:00.000Z",
        "aware": "2020-01-01T00:00:00.000Z",
        "moment": "2020-01-01T00:00:00.000Z",
        "colour": "red",
        "letter": "r",
        "uid": "00000000-0000-0000-0000-000000000001",
        "uidText": "00000000-0000-0000-0000-000000000001",
        "document": {"a": [1]},
        "blob": "AQI=",
    },
    {
        "amount": "20.25",
        "ratio": "7",
        "flag": False,
        "day": "2021-01-01",
        "clock": "23:59:59",
        "naive": "2021-06-01T12:30:00.250Z",
        "aware": "2021-06-01T12:30:00.250Z",
        "moment": "2021-06-01T12:30:00.250Z",
        "colour": "green",
        "letter": "g",
        "uid": "f0000000-0000-0000-0000-000000000001",
        "uidText": "f0000000-0000-0000-0000-000000000001",
        "document": [1, "x", None],
        "blob": "AwQF",
    },
]
KINDS = [{**row, **more} for row, more in zip(BOTH, MORE, strict=True)]
COMPARED = [name for name in KINDS[0] if name not in ("id", "document", "blob")]
# The order of letters, and that of an enum's members, is the database's.
ORDERED = [name for name in COMPARED if name not in ("text", "flag", "colour", "letter")]


@pytest.fixture
def kinds(api: Api) -> Api:
    """Two rows that differ in every type, and one of nulls."""
    api.crud.resource(Kind)
    for row in KINDS:
        made = api.create("/kinds", **row)
        assert {name: made[name] for name in row} == row
    api.create("/kinds", id=3)
    return api


def ids(api: Api, query: str, path: str = "/kinds") -> list[int]:
    answer = api.get(f"{path}?{query}")
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()]


def text_of(value: Any) -> str:
    return quote(str(value).lower() if isinstance(value, bool) else str(value), safe="")


@pytest.mark.parametrize("name", COMPARED)
def test_equality_its_opposite_lists_and_null_fit_every_type_that_compares(
    kinds: Api, name: str
) -> None:
    one, two = (text_of(row[name]) for row in KINDS)
    for query, expected in (
        (f"{name}={one}", [1]),
        (f"{name}={one}&{name}={two}", [1, 2]),
        (f"{name}__eq={two}", [2]),
        (f"{name}__ne={one}", [2, 3]),
        (f"{name}__in={one},{two}", [1, 2]),
        (f"{name}__not_in={one}", [2, 3]),
        (f"{name}=null", [3]),
        (f"{name}__ne=null", [1, 2]),
        (f"{name}__is_null=true", [3]),
        (f"{name}__is_null=false", [1, 2]),
        (f"or={name}={one}|{name}__is_null=true", [1, 3]),
    ):
        assert ids(kinds, query) == expected, query


@pytest.mark.parametrize("name", ORDERED)
def test_order_operators_fit_every_type_that_has_an_order(kinds: Api, name: str) -> None:
    rows = sorted(KINDS, key=lambda row: float(row[name]) if name == "ratio" else row[name])
    if name == "amount":
        rows = KINDS
    low, high = (row["id"] for row in rows)
    a, b = (text_of(row[name]) for row in rows)
    for query, expected in (
        (f"{name}__gt={a}", [high]),
        (f"{name}__gte={a}", [low, high]),
        (f"{name}__lt={b}", [low]),
        (f"{name}__lte={b}", [low, high]),
        (f"{name}__between={a},{b}", [low, high]),
        (f"{name}__gte={a}&sort={name}", [low, high]),
        (f"sort=-{name}", [high, low, 3]),
        (f"sort={name}", [3, low, high]),
    ):
        assert sorted(ids(kinds, query)) == sorted(expected), query
        if "sort" in query:
            assert ids(kinds, query) == expected, query


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("text__like=b%25", [1]),
        ("text__like=AB", []),
        ("text__ilike=AB", [1, 2]),
        ("text__ilike=_", [2]),
        ("text__startswith=Ab", [1]),
        ("text__startswith=%25", []),
        ("text__endswith=_c", [2]),
        ("q=AB", [1, 2]),
        ("q=%25", [1]),
        ("not=text__ilike=c", [1]),
        ("not=whole=1|whole=-5", []),
    ],
)
def test_text_is_matched_as_it_stands(kinds: Api, query: str, expected: list[int]) -> None:
    assert ids(kinds, query) == expected


@pytest.mark.parametrize("name", [name for name in KINDS[0] if name != "id"])
def test_unsupported_operator_is_rejected_by_name(kinds: Api, name: str) -> None:
    codec = kinds.crud.resource(Kind, endpoints=("/again",), actions=["list"]).fields.by_name
    for operator in OPERATORS.values():
        if not operator.supports(codec[name]):
            parameter = f"{name}__{operator.name}"
            assert_field_errors(kinds.get(f"/kinds?{parameter}=1"), 400, parameter)


@pytest.mark.parametrize("parameter", ["document", "blob", "sort"])
def test_documents_and_bytes_are_neither_compared_nor_sorted(kinds: Api, parameter: str) -> None:
    value = "document" if parameter == "sort" else "1"
    assert kinds.get(f"/kinds?{parameter}={value}").status_code == 400


WRONG = [
    ("whole", "x"),
    ("whole__gt", "1.5"),
    ("whole", "99999999999999999999"),
    ("big", "9223372036854775808"),
    ("real", "nan"),
    ("real__lt", "1e999"),
    ("amount", "1.234"),
    ("amount", "NaN"),
    ("flag", "yes"),
    ("day", "10000-01-01"),
    ("day__between", "2020-01-01"),
    ("clock", "25:00:00"),
    ("naive", "10000-01-01T00:00:00Z"),
    ("aware", "x"),
    ("moment__gte", "9999-12-31T23:59:59-01:00"),
    ("colour", "blue"),
    ("letter__in", "r,x"),
    ("uid", "x"),
    ("uidText", "x"),
    ("text", "\x00"),
    ("text__like", "\x00"),
    ("whole__in", "1,x"),
    ("whole__is_null", "maybe"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_invalid_value_is_rejected_with_its_parameter(kinds: Api, name: str, value: str) -> None:
    assert_field_errors(kinds.get("/kinds", params={name: value}), 400, name)


@pytest.fixture
def shelf(api: Api) -> Api:
    """Books of two authors and of none, with tags; a tree."""
    api.crud.resource(
        User,
        include=["books"],
        write_only_attributes=["secret", "age"],
        search=[SearchOptions(), SearchOptions("s", ["firstName"], override="STARTS_WITH")],
    )
    api.crud.resource(
        Book,
        include=["author", "tags"],
        exclude_attributes={"author": ["secret"]},
        search=[
            SearchOptions("q", ["title", "$author.firstName$", "tags.label"]),
            SearchOptions("exactly", ["title"], operator="eq"),
        ],
        sort=SortOptions("sort", ["title", "author.firstName", "id"], default="-title"),
        presets={"long": lambda: Book.pages > 100, "named": lambda: Book.title.in_(["A", "B"])},
    )
    api.crud.resource(Node, associations=True)
    api.create("/users", firstName="Zoe", secret="hidden", age=3)
    api.create("/users", firstName="Ada", email="a%@x")
    api.create("/books", title="A", pages=10, author={"id": 1}, tags=[{"label": "Xyz"}])
    api.create("/books", title="B", pages=500, author={"id": 2}, tags=[{"id": 1}, {"label": "w"}])
    api.create("/books", title="C", pages=500)
    return api


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [3, 2, 1]),
        ("sort=author.firstName", [3, 2, 1]),
        ("sort=-author.firstName", [1, 2, 3]),
        ("author.firstName=zo", [1]),
        ("author.firstName__eq=zo", []),
        ("author.firstName__ne=Zoe", [2]),
        ("author.id=2", [2]),
        ("author.id__in=1,2", [2, 1]),
        ("tags.label=xYZ", [2, 1]),
        ("tags.label__eq=w", [2]),
        ("tags.label__startswith=X&author.id=1", [1]),
        ("or=author.id=1|tags.label=w", [2, 1]),
        ("not=author.firstName=zoe", [3, 2]),
        ("q=ada", [2]),
        ("q=xy", [2, 1]),
        ("q=xy&exactly=A", [1]),
        ("q=xy&q=ada", [2]),
        ("q=", [3, 2, 1]),
        ("preset=long", [3, 2]),
        ("preset=long&preset=named", [2]),
        ("preset=named&pages=10", [1]),
    ],
)
def test_lists_are_narrowed_and_sorted_through_relations(
    shelf: Api, query: str, expected: list[int]
) -> None:
    assert ids(shelf, query, "/books") == expected
    total = int(shelf.get(f"/books?{query}").headers["content-range"].split("/")[1])
    assert total == len(expected)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("s=A", [2]),
        ("s=d", []),
        ("s=a", [2]),
        ("q=%25", [2]),
        ("books.title=b", [2]),
        ("s=A&q=z", []),
    ],
)
def test_searches_are_combined_with_and(shelf: Api, query: str, expected: list[int]) -> None:
    assert ids(shelf, query, "/users") == expected


def test_a_tree_is_filtered_through_itself(shelf: Api) -> None:
    shelf.create("/nodes", name="root", children=[{"name": "a"}, {"name": "b"}])
    assert ids(shelf, "parent.name=root", "/nodes") == [2, 3]
    assert ids(shelf, "children.name=b", "/nodes") == [1]
    assert ids(shelf, "sort=-name", "/nodes") == [1, 3, 2]


def test_a_preset_narrows_reads_and_writes_too(shelf: Api) -> None:
    assert shelf.get("/books/1?preset=long").status_code == 404
    assert shelf.put("/books/1?preset=long", {"title": "x"}).status_code == 404
    assert shelf.delete("/books/1?preset=long").status_code == 404
    assert shelf.get("/books/2?preset=long").status_code == 200
    assert shelf.delete("/books/2?preset=named&preset=long").status_code == 200
    for path in ("/books", "/books/1"):
        assert_field_errors(shelf.get(f"{path}?preset=zzz"), 400, "preset")


def test_fields_leave_out_everything_else(shelf: Api) -> None:
    assert shelf.read("/books/1", fields="id,title") == {"id": 1, "title": "A"}
    (row,) = shelf.read("/books", fields="author", title="A")
    assert list(row) == ["author"]
    assert row["author"]["firstName"] == "Zoe"


@pytest.mark.parametrize(
    "query",
    [
        "secret=hidden",
        "secret__like=h",
        "secret__is_null=false",
        "age=3",
        "sort=secret",
        "fields=secret",
        "or=secret=hidden",
        "not=secret__is_null=true",
        "secre=1",
        "ag__gte=1",
    ],
)
def test_excluded_attributes_cannot_be_named_or_guessed(shelf: Api, query: str) -> None:
    answer = shelf.get(f"/users?{query}")
    assert answer.status_code == 400
    named = query.partition("=")[0]
    said = answer.text.replace(named, "").replace("or=secret", "")
    if not query.startswith(("sort", "fields", "or", "not")):
        assert "secret" not in said
    assert "did you mean secret" not in answer.text
    assert "did you mean age" not in answer.text


@pytest.mark.parametrize("query", ["author.secret=hidden", "author.secre=x", "sort=author.secret"])
def test_nor_those_of_related_rows(shelf: Api, query: str) -> None:
    answer = shelf.get(f"/books?{query}")
    assert answer.status_code == 400
    assert "did you mean author.secret" not in answer.text


def test_excluded_attributes_are_not_searched_output_or_named_in_a_conflict(shelf: Api) -> None:
    assert ids(shelf, "q=hidden", "/users") == []
    answer = shelf.post("/users", {"firstName": "B", "secret": "hidden"})
    assert_field_errors(answer, 409)
    assert "secret" not in answer.text
    made = shelf.create("/users", firstName="B", secret="other")
    assert not {"secret", "age"} & made.keys()
    assert not {"secret", "age"} & shelf.put("/users/1", {"age": 4}).json().keys()


def test_a_column_called_as_a_parameter_is_reached_by_its_operator(api: Api) -> None:
    api.crud.resource(Odd)
    api.create("/odds", count=5, q="x", sort="a", v0="v", schema="s")
    row = api.create("/odds", count=6, q="y", sort="b", v0="w", schema="t")
    assert (row["made"], row["changes"]) == (42, 0)
    for query in (
        "count__eq=6",
        "q__eq=y",
        "sort__eq=b",
        "v0=w",
        "schema=t",
        "sort=-count&count=1",
    ):
        assert ids(api, query, "/odds") == [2], query
    changed = api.put("/odds/2", {"v0": "z"}).json()
    assert (changed["v0"], changed["changes"]) == ("z", 1)


def test_unknown_parameter_is_rejected_unless_the_caller_is_lenient(kinds: Api) -> None:
    assert error_fields(kinds.get("/kinds?wole=1")) == ["wole"]
    assert "did you mean whole?" in kinds.get("/kinds?wole=1").text
    lenient = {"Prefer": "handling=lenient"}
    assert len(kinds.get("/kinds?wole=1", headers=lenient).json()) == 3


def test_a_model_without_text_finds_nothing_by_text(api: Api) -> None:
    api.crud.resource(Tag, write_only_attributes=["label"])
    api.create("/tags", label="x")
    answer = api.get("/tags?q=x")
    assert (answer.json(), answer.headers["content-range"]) == ([], "items 0-0/0")
