"""The language of ra-data-simple-rest: filter, range, sort and embed as JSON."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.dialects.conftest import ids
from tests.fixtures.library import Api, error_fields


def query(**parameters: Any) -> str:
    """Return a query string of JSON values."""
    return urlencode({name: json.dumps(value) for name, value in parameters.items()})


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        ({}, [1, 2, 3, 4]),
        ({"id": 2}, [2]),
        ({"id": "2"}, [2]),
        ({"id": [4, "1"]}, [1, 4]),
        ({"id": []}, []),
        ({"text": "null"}, [3]),
        ({"text": None}, []),
        ({"whole": None}, [4]),
        ({"whole": [None, -3]}, [2, 4]),
        ({"flag": True}, [1, 3]),
        ({"real": 10}, [3]),
        ({"whole_eq": 5, "real_lt": 1}, [1]),
        ({"whole_neq": 5}, [2, 4]),
        ({"whole_eq_any": [5, None]}, [1, 3, 4]),
        ({"whole_neq_any": [5, -3]}, [4]),
        ({"whole_gt": -3}, [1, 3]),
        ({"whole_gte": -3, "whole_lte": 4}, [2]),
        ({"real_gte": "2.5"}, [2, 3]),
        ({"day_gt": "2020-06-01"}, [2, 3]),
        ({"text_q": "NU"}, [1, 3]),
        ({"text_q": "5 ("}, [4]),
        ({"q": "NU"}, [1, 3]),
        ({"q": ""}, [1, 2, 3, 4]),
    ],
)
def test_filter_means_what_fakerest_means(
    kinds: Api, filter_: dict[str, Any], found: list[int]
) -> None:
    assert ids(kinds, query(filter=filter_)) == found


@pytest.mark.parametrize(
    ("range_", "found", "content_range"),
    [
        ([0, 1], [1, 2], "items 0-1/4"),
        ([1, 9], [2, 3, 4], "items 1-3/4"),
        ([4, 5], [], "items */4"),
        ([0, -1], [], "items */4"),
    ],
)
def test_range_selects_both_of_its_ends(
    kinds: Api, range_: list[int], found: list[int], content_range: str
) -> None:
    response = kinds.get(f"/kinds?{query(range=range_)}")
    assert [row["id"] for row in response.json()] == found
    assert response.headers["content-range"] == content_range
    assert response.headers["x-total-count"] == "4"
    assert "link" not in response.headers


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        (["id", "DESC"], [4, 3, 2, 1]),
        (["whole", "asc"], [4, 2, 1, 3]),
        (["real", "ASC"], [4, 1, 2, 3]),
    ],
)
def test_sort_orders_rows_with_nulls_as_every_list_does(
    kinds: Api, sort: list[str], found: list[int]
) -> None:
    assert ids(kinds, query(sort=sort)) == found


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ("filter=x", "filter"),
        ("filter=[]", "filter"),
        ("filter=null", "filter"),
        ("filter=", "filter"),
        ('filter={"id":1,"id":2}', "filter"),
        ('filter={"id":NaN}', "filter"),
        ("filter=" + "[" * 5_000, "filter"),
        ("filter=" + '{"a":' * 900 + "1" + "}" * 900, "filter.a.a.a.a"),
        ('filter={"text":"\\ud800"}', "filter"),
        ('filter={"text":"\\u0000"}', "filter.text"),
        ('filter={"\\ud800":1}', "filter"),
        ('filter={"nope":1}', "filter.nope"),
        ('filter={"whole__gte":1}', "filter.whole__gte"),
        ('filter={"whole_like":1}', "filter.whole_like"),
        ('filter={"text_inc":["a"]}', "filter.text_inc"),
        ('filter={"whole_q":"1"}', "filter.whole_q"),
        ('filter={"document":1}', "filter.document"),
        ('filter={"whole":"x"}', "filter.whole"),
        ('filter={"whole":true}', "filter.whole"),
        ('filter={"whole":{}}', "filter.whole"),
        ('filter={"whole":{"a":1}}', "filter.whole.a"),
        ('filter={"whole":[[1]]}', "filter.whole"),
        ('filter={"whole_gt":[1]}', "filter.whole_gt"),
        ('filter={"whole_gt":null}', "filter.whole_gt"),
        ('filter={"text_q":null}', "filter.text_q"),
        ('filter={"q":null}', "filter.q"),
        ('filter={"q":["a"]}', "filter.q"),
        ("filter={}&filter={}", "filter"),
        ("range=[0]", "range"),
        ("range=[0,1,2]", "range"),
        ("range=[1,0.5]", "range"),
        ("range=[true,1]", "range"),
        ("range=[-1,1]", "range"),
        ("range=[5,3]", "range"),
        ("range=[0,1000]", "range"),
        (f"range=[{10**13},{10**13}]", "range"),
        (f"range=[0,{'9' * 5_000}]", "range"),
        ('range=["0","1"]', "range"),
        ("range=0-9", "range"),
        ("range={}", "range"),
        ('sort=["id"]', "sort"),
        ('sort=["id","UP"]', "sort"),
        ('sort=["id","ASC","text","ASC"]', "sort"),
        ("sort=[1,2]", "sort"),
        ("sort=[", "sort"),
        ('sort=["\\ud800","ASC"]', "sort"),
        ("embed=author", "embed"),
        ('embed="author"', "embed"),
        ("embed=[1]", "embed"),
        ("filter={}&text=a", "text"),
        ("filter={}&count=5", "count"),
        ("range=[0,1]&offset=1", "offset"),
        ("range=[0,1]&fields=id", "fields"),
        ("range=[0,1]&_sort=id", "_sort"),
        ("range=[0,1]&_foo=1", "_foo"),
        ("range=[0,1]&sort=id", "sort"),
    ],
)
def test_what_the_dialect_does_not_define_is_rejected(
    kinds: Api, parameters: str, field: str
) -> None:
    response = kinds.get("/kinds", params=dict_of(parameters))
    assert response.status_code == 400, response.text
    assert error_fields(response)[0] == field, response.text


def dict_of(parameters: str) -> list[tuple[str, str]]:
    """Return the names and values of a query string that is not encoded yet."""
    return [(name, text) for name, _, text in (p.partition("=") for p in parameters.split("&"))]


@pytest.mark.parametrize("name", ["-id", "nope", "document", "id,whole", ""])
def test_sort_by_another_name_is_rejected_as_in_every_list(kinds: Api, name: str) -> None:
    response = kinds.get(f"/kinds?{query(sort=[name, 'ASC'])}")
    assert response.status_code == 400
    assert response.json()["errors"] == [name]


@pytest.mark.parametrize("header", ["kinds=0-1", "items=0-1", "bytes=0-99", "nonsense", ""])
def test_range_header_of_the_same_rows_or_of_no_rows_is_accepted(kinds: Api, header: str) -> None:
    assert ids(kinds, query(range=[0, 1]), headers={"Range": header}) == [1, 2]


def test_range_header_of_other_rows_is_rejected(kinds: Api) -> None:
    response = kinds.get(f"/kinds?{query(range=[0, 1])}", headers={"Range": "kinds=0-9"})
    assert response.status_code == 400
    assert error_fields(response) == ["range"]


def test_range_header_without_the_dialect_is_ignored(kinds: Api) -> None:
    assert ids(kinds, "count=3", headers={"Range": "kinds=0-1"}) == [1, 2, 3]


def test_lenient_query_ignores_unknown_members_but_no_other_language(kinds: Api) -> None:
    lenient = {"Prefer": "handling=lenient"}
    assert ids(kinds, query(filter={"nope": 1, "id": 2}), headers=lenient) == [2]
    assert kinds.get("/kinds?filter={}&count=1", headers=lenient).status_code == 400
