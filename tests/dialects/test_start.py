"""Start-up errors of the option ``dialects``: nothing may have two meanings."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

from encore import Crud, SearchOptions, SortOptions
from encore.errors import ConfigurationError
from tests.dialects.conftest import EVERY
from tests.fixtures.in_process import sqlite_with
from tests.fixtures.library import Api
from tests.fixtures.library_models import Book, LibraryBase, Loan, Profile, Tag, User


@pytest.fixture(scope="module")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a SQLite database with the library's tables, which stay empty."""
    return sqlite_with(LibraryBase.metadata, tmp_path_factory.mktemp("start"))


@pytest.fixture
def api(sqlite_url: str) -> Iterator[Api]:
    """Return a service without resources."""
    api = Api(sqlite_url)
    yield api
    api.close()


def model_with(*columns: str, key: str = "id", type_: Any = sa.Integer) -> Any:
    """Return a model with columns of these names."""

    class Base(DeclarativeBase):
        pass

    members: dict[str, Any] = {f"c{n}": sa.Column(name, type_) for n, name in enumerate(columns)}
    members["key"] = sa.Column(key, sa.Integer, primary_key=True)
    return type("Thing", (Base,), {"__tablename__": "things", **members})


def start_error(api: Api, model: Any, dialects: Any, **options: Any) -> str:
    """Return the message with which a resource is rejected."""
    with pytest.raises(ConfigurationError) as raised:
        api.crud.resource(model, dialects=dialects, **options)
    return str(raised.value)


@pytest.mark.parametrize(
    ("dialects", "message"),
    [
        ("refine", "must be a list of strings"),
        ([1], "must be a list of strings"),
        (["ra-data-simple-rest"], "is none of react-admin, refine, json-server"),
        (["refine", "refine"], "'refine' is named twice"),
        (None, "must be a list of strings"),
        (True, "must be a list of strings"),
    ],
)
def test_invalid_value_names_the_option(api: Api, dialects: Any, message: str) -> None:
    error = start_error(api, Tag, dialects)
    assert message in error
    assert "dialects" in error
    with pytest.raises(ConfigurationError, match="dialects"):
        Crud(api.app, api.database, dialects=dialects)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pagination": False}, "pagination"),
        ({"total": "none"}, "total"),
        ({"put_replaces": True}, "put_replaces"),
        ({"update_method": "POST"}, "update_method"),
        ({"search": SearchOptions("filter")}, "'filter' is a parameter"),
        ({"search": SearchOptions("_sort")}, "'_sort' is a parameter"),
        ({"search": SearchOptions("age_gte")}, "'age_gte' is also 'age'"),
        ({"search": SearchOptions("rank")}, "'rank' has the name of a parameter"),
        ({"sort": SortOptions("_order")}, "'_order' is a parameter"),
    ],
)
def test_contradicting_option_stops_the_start(
    api: Api, options: dict[str, Any], message: str
) -> None:
    assert message in start_error(api, User, EVERY, **options)


def test_read_only_resource_may_have_another_update_method(api: Api) -> None:
    api.crud.resource(User, dialects=EVERY, actions=["list", "read"], update_method="POST")
    assert api.read("/users?_start=0&_end=1") == []


@pytest.mark.parametrize(
    ("dialect", "column"),
    [
        ("react-admin", "filter"),
        ("react-admin", "range"),
        ("react-admin", "embed"),
        ("react-admin", "q"),
        ("json-server", "_start"),
        ("json-server", "_limit"),
        ("refine", "_sort"),
        ("refine", "q"),
        ("refine", "count"),
        ("json-server", "page"),
        ("json-server", "fields"),
        ("json-server", "sort"),
    ],
)
def test_field_with_the_name_of_a_parameter_stops_the_start(
    api: Api, dialect: str, column: str
) -> None:
    assert f"the field {column!r} has the name" in start_error(api, model_with(column), [dialect])


@pytest.mark.parametrize(
    ("dialect", "column"),
    [("react-admin", "_start"), ("react-admin", "count"), ("refine", "range")],
)
def test_field_with_the_name_of_another_dialects_parameter_starts(
    api: Api, dialect: str, column: str
) -> None:
    api.crud.resource(model_with(column), dialects=[dialect])


@pytest.mark.parametrize(
    ("dialect", "column", "type_"),
    [
        ("react-admin", "price_gt", sa.Integer),
        ("react-admin", "price_eq_any", sa.Integer),
        ("react-admin", "price_q", sa.Text),
        ("json-server", "price_ne", sa.Integer),
        ("refine", "price_like", sa.Text),
    ],
)
def test_field_with_the_name_of_another_with_an_operator_stops_the_start(
    api: Api, dialect: str, column: str, type_: Any
) -> None:
    error = start_error(api, model_with("price", column, type_=type_), [dialect])
    assert f"{column!r} is also 'price' with the operator" in error


@pytest.mark.parametrize(
    ("dialect", "column"), [("refine", "price_gt"), ("react-admin", "price_like")]
)
def test_field_with_a_suffix_that_is_no_operator_starts(
    api: Api, dialect: str, column: str
) -> None:
    api.crud.resource(model_with("price", column), dialects=[dialect])


def test_excluded_field_may_have_any_name(api: Api) -> None:
    model = model_with("filter", "_start")
    api.crud.resource(model, dialects=EVERY, exclude_attributes=["filter", "_start"])


def test_key_of_another_name_stops_the_start(api: Api) -> None:
    assert "called id" in start_error(api, model_with(key="code"), ["refine"])
    paths = ["/profiles", "/profiles/{nickname}"]
    assert "not nickname" in start_error(api, Profile, ["refine"], endpoints=paths)
    assert "called id" in start_error(api, Loan, ["refine"])


def test_option_of_all_resources_is_overridden_by_one(api: Api) -> None:
    crud = Crud(api.app, api.database, gate=None, base="/v2", dialects=["refine"])
    crud.resource(Tag)
    crud.resource(Book, dialects=[])
    assert api.get("/v2/tags?_end=1").status_code == 200
    assert api.get("/v2/books?_end=1").status_code == 400


def test_nested_lists_have_no_dialect(api: Api) -> None:
    api.crud.resource(User, associations=True, dialects=EVERY)
    assert api.get("/users?_end=1").status_code == 200
    assert api.get("/users/1/books?_end=1").status_code == 400
