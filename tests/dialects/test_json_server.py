"""The language of json-server 0.17, and the part of it that refine sends."""

import pytest

from tests.dialects.conftest import ids
from tests.fixtures.library import Api, error_fields


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("_start=0&_end=2", [1, 2]),
        ("_start=2&_end=9", [3, 4]),
        ("_end=1", [1]),
        ("_start=2&_end=2", []),
        ("_start=1&_limit=2", [2, 3]),
        ("_limit=3", [1, 2, 3]),
        ("_limit=0", []),
        ("_page=2&_limit=3", [4]),
        ("_page=1", [1, 2, 3, 4]),
        ("_sort=id&_order=desc", [4, 3, 2, 1]),
        ("_sort=whole,id&_order=asc,DESC", [4, 2, 3, 1]),
        ("_sort=whole,id&_order=desc", [1, 3, 2, 4]),
        ("_sort=real", [4, 1, 2, 3]),
        ("_end=9&id=1&id=3", [1, 3]),
        ("_end=9&text=null", [3]),
        ("_end=9&text=[1]", []),
        ("_end=9&flag=true", [1, 3]),
        ("whole_gte=5", [1, 3]),
        ("whole_gte=5&whole_gte=-3", [1, 2, 3]),
        ("whole_lte=0", [2]),
        ("whole_ne=5", [2]),
        ("whole_ne=5&whole_ne=-3", []),
        ("real_gte=1&real_lte=3", [2]),
        ("text_like=NU", [1, 3]),
        ("text_like=nut&text_like=bol", [1, 2]),
        ("text_like=1.5 (", [4]),
        ("q=NU&_end=9", [1, 3]),
        ("q=&_end=9", [1, 2, 3, 4]),
    ],
)
def test_query_means_what_json_server_means(kinds: Api, query: str, found: list[int]) -> None:
    response = kinds.get(f"/kinds?{query}")
    assert response.status_code == 200, response.text
    assert [row["id"] for row in response.json()] == found
    assert "link" not in response.headers
    assert "x-total-count" in response.headers


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("_start=0", "_start"),
        ("_start=2&_end=1", "_end"),
        ("_start=-1&_end=1", "_start"),
        ("_start=x&_end=1", "_start"),
        ("_start=٣&_end=9", "_start"),
        ("_start=1.5&_end=9", "_start"),
        ("_start=&_end=9", "_start"),
        ("_start=0&_end=1001", "_end"),
        (f"_start={10**13}&_end={10**13}", "_end"),
        (f"_start=0&_end={'9' * 5_000}", "_end"),
        ("_end=1&_end=2", "_end"),
        ("_end=1&_limit=2", "_end"),
        ("_page=1&_end=2", "_page"),
        ("_page=1&_start=2", "_page"),
        ("_page=0", "_page"),
        (f"_page={10**12}&_limit=1000", "_page"),
        ("_limit=1001", "_limit"),
        ("_limit=x", "_limit"),
        ("_order=asc", "_order"),
        ("_sort=id&_order=down", "_order"),
        ("_sort=id&_order=", "_order"),
        ("_sort=id&_order=asc,desc", "_order"),
        ("_sort=id&_sort=whole", "_sort"),
        ("_sort=-id", "_sort"),
        ("_embed=books", "_embed"),
        ("_expand=author&_end=1", "_expand"),
        ("whole_gte=x", "whole_gte"),
        ("whole_gte=null", "whole_gte"),
        ("whole_like=5", "whole_like"),
        ("flag_like=t", "flag_like"),
        ("document_ne=1", "document_ne"),
        ("_end=1&document=1", "document"),
        ("_end=1&whole=null", "whole"),
        ("_end=1&q=a&q=b", "q"),
        ("_end=1&nope=2", "nope"),
        ("_end=1&_foo=2", "_foo"),
        ("_foo=2", "_foo"),
        ("_=2", "_"),
        ("callback=f&_end=1", "callback"),
        ("_per_page=5", "_per_page"),
        ("_page=1&_per_page=5", "_per_page"),
        ("_end=1&text:contains=x", "text:contains"),
        ("_end=1&whole_gt=x", "whole_gt"),
        ("_end=1&whole__gte=1", "whole__gte"),
        ("_end=1&count=1", "count"),
        ("_end=1&sort=-id", "sort"),
        ("_end=1&or=id=1", "or"),
        ("_end=1&fields=id", "fields"),
        ("_end=1&cursor=x", "cursor"),
        ("_end=1&filter={}", "_end"),
        ("text_like=%00", "text_like"),
        ("_end=1&text=%00", "text"),
        ("text_like=" + "x" * 257, "text_like"),
    ],
)
def test_what_the_dialect_does_not_define_is_rejected(kinds: Api, query: str, field: str) -> None:
    response = kinds.get(f"/kinds?{query}")
    assert response.status_code == 400, response.text
    assert error_fields(response)[0] == field, response.text


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("_page=1&_per_page=5", "use _limit"),
        ("_sort=-id", "use _order"),
        ("_end=1&text:contains=x", "_gte, _lte, _ne, _like"),
        ("_end=1&txt=x", "did you mean text?"),
    ],
)
def test_error_names_what_is_meant(kinds: Api, query: str, hint: str) -> None:
    assert hint in kinds.get(f"/kinds?{query}").json()["detail"]


@pytest.mark.parametrize("sort", ["nope", "", "id,nope", "document"])
def test_sort_by_another_name_is_rejected_as_in_every_list(kinds: Api, sort: str) -> None:
    response = kinds.get(f"/kinds?_sort={sort}")
    assert response.status_code == 400
    assert response.json()["message"] == "Sorting not allowed on given attributes"


def test_lenient_query_ignores_unknown_parameters_but_no_other_language(kinds: Api) -> None:
    lenient = {"Prefer": "handling=lenient"}
    assert ids(kinds, "_end=2&nope=1&_foo=2", headers=lenient) == [1, 2]
    assert kinds.get("/kinds?_end=2&count=1", headers=lenient).status_code == 400
