"""Cursors and links: lists are followed to both ends; forged cursors are rejected."""

import json
import threading
from base64 import urlsafe_b64decode
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from encore import Crud
from encore.database.tables import secrets
from encore.errors import ConfigurationError
from encore.execution.context import Context
from encore.options import SortOptions
from encore.secret_key import Secret, StoredSecret
from tests.fixtures.models import ModelApi, Serve
from tests.fixtures.problems import assert_problem


class Base(DeclarativeBase):
    pass


class Shop(Base):
    __tablename__ = "shops"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    rank: Mapped[str | None]
    items: Mapped[list["Item"]] = relationship(
        back_populates="shop", order_by=lambda: (Item.secret.desc(), Item.id)
    )


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    size: Mapped[int | None]
    secret: Mapped[str | None]
    tenant: Mapped[int]
    shop_id: Mapped[int | None] = mapped_column("shopId", sa.ForeignKey("shops.id"))
    shop: Mapped[Shop | None] = relationship(back_populates="items")


class Label(Base):
    __tablename__ = "labels"
    name: Mapped[str] = mapped_column(primary_key=True)
    tags: Mapped[list["Tag"]] = relationship(order_by=lambda: Tag.id)


class Tag(Base):
    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(sa.ForeignKey("labels.name"))


class Group(Base):
    __tablename__ = "groups"
    __table_args__ = {"info": {"is_view": True}}  # noqa: RUF012 - as SQLAlchemy reads it
    tenant: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int | None] = mapped_column(primary_key=True, nullable=True)
    items: Mapped[int]


secrets.to_metadata(Base.metadata)


HIDDEN: Final = "classified-4711"
ROWS: Final = 23
SECRET: Final = "s" * 32


def _fill(session: Session) -> None:
    session.add_all([Shop(id=1, name="b"), Shop(id=2, name=None), Shop(id=3, name="a")])
    session.flush()
    for n in range(1, ROWS + 1):
        session.add(
            Item(
                id=n,
                name=None if n % 5 == 0 else f"n{n % 4}",
                size=n % 3 or None,
                secret=f"{HIDDEN}-{n % 2}",
                tenant=n % 2,
                shop_id=n % 4 or None,
            )
        )


@pytest.fixture
def api(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    api.orm(_fill)
    api.crud.resource(
        Item,
        include=["shop"],
        exclude_attributes=["secret"],
        sort=SortOptions(attributes=["id", "name", "size", "shop.name"]),
        presets={"even": lambda: Item.id % 2 == 0},
    )
    api.crud.resource(Shop, associations=True, exclude_attributes={"items": ["secret"]})
    return api


def follow(
    api: ModelApi, path: str, relation: str = "next", **headers: str
) -> list[httpx.Response]:
    """Return this page and all following ones."""
    pages = [api.get(path, headers=headers)]
    while True:
        assert pages[-1].status_code == 200, pages[-1].text
        link = pages[-1].links.get(relation)
        if link is None:
            return pages
        pages.append(api.get(link["url"], headers=headers))
        assert len(pages) < 100


def ids(pages: list[httpx.Response]) -> list[int]:
    return [row["id"] for page in pages for row in page.json()]


def cursor_of(response: httpx.Response, relation: str = "next") -> str:
    (cursor,) = parse_qs(urlsplit(response.links[relation]["url"]).query)["cursor"]
    return cursor


QUERIES: Final = (
    "",
    "sort=name",
    "sort=-name,size",
    "sort=-size,-name,id",
    "sort=shop.name,-id",
    "sort=-shop.name",
    "sort=name&size=1&size=2",
    "q=n&sort=-size",
    "preset=even&sort=name",
    "or=size=1|name=null&sort=-name",
    "shop.name=a&fields=id",
    "size__is_null=true&children=shop",
)


def test_links_of_any_query_lead_through_the_whole_list_and_back(api: ModelApi) -> None:
    for query in QUERIES:
        whole = [row["id"] for row in api.get(f"/items?{query}").json()]
        for count in (3, len(whole)):
            pages = follow(api, f"/items?count={count}&{query}")
            assert ids(pages) == whole, (query, count)
            back = follow(api, str(pages[-1].request.url.raw_path, "ascii"), "prev")
            assert ids(back[::-1]) == whole, (query, count)
            for page in pages[1:2]:
                assert [*page.links][-1] == "first"
                assert api.get(page.links["first"]["url"]).json() == pages[0].json()


def test_content_range_counts_on_after_a_cursor_without_a_total(api: ModelApi) -> None:
    pages = follow(api, "/items?count=10&sort=name")
    assert [page.headers["content-range"] for page in pages] == [
        f"items 0-9/{ROWS}",
        "items 10-19/*",
        "items 20-22/*",
    ]
    back = follow(api, str(pages[-1].request.url.raw_path, "ascii"), "prev")
    ranges = [page.headers["content-range"] for page in back]
    assert ranges == ["items 20-22/*", "items 10-19/*", "items 0-9/*"]


def test_page_that_reaches_the_beginning_is_counted_from_there(api: ModelApi) -> None:
    second = follow(api, "/items?count=5")[1]
    api.sql("DELETE FROM items WHERE id IN (1, 2)")
    first = api.get(second.links["prev"]["url"])
    assert ids([first]) == [3, 4, 5]
    assert first.headers["content-range"] == "items 0-2/*"
    assert "prev" not in first.links


def test_list_that_ends_on_its_page_has_no_link(api: ModelApi) -> None:
    for query in ("", "count=23", "id=7", "id=99", "sort=name&count=1000"):
        assert "link" not in api.get(f"/items?{query}").headers


def test_head_has_the_same_headers(api: ModelApi) -> None:
    got, asked = (dict(api.request(m, "/items?count=5").headers) for m in ("GET", "HEAD"))
    assert got.pop("x-request-id") != asked.pop("x-request-id")
    assert got == asked
    assert "cursor=" in got["link"]


def test_nested_list_is_followed_in_the_order_of_its_relationship(api: ModelApi) -> None:
    whole = ids([api.get("/shops/1/items")])
    assert len(whole) == 6
    pages = follow(api, "/shops/1/items?count=4")
    assert ids(pages) == whole
    other = f"/shops/2/items?count=4&cursor={cursor_of(pages[0])}"
    assert_problem(api.get(other), 400, "invalid-query")


@pytest.mark.parametrize(
    ("query", "links"),
    [
        ("offset=0&count=10", {"next": "count=10&offset=10"}),
        (
            "offset=5&count=10",
            {
                "next": "count=10&offset=15",
                "prev": "count=10&offset=0",
                "first": "count=10&offset=0",
            },
        ),
        ("offset=20", {"prev": "offset=0", "first": "offset=0"}),
        ("page=0&count=20", {"next": "count=20&page=1"}),
        (
            "count=5&page=2&sort=-id",
            {n: f"count=5&sort=-id&page={p}" for n, p in (("next", 3), ("prev", 1), ("first", 0))},
        ),
        (
            "offset=3&page=1&count=8",
            {n: f"offset=3&count=8&page={p}" for n, p in (("next", 2), ("prev", 0), ("first", 0))},
        ),
        ("offset=99", {"prev": "offset=0", "first": "offset=0"}),
        (
            "name=n%261&name=%E2%82%AC&offset=1",
            {
                "prev": "name=n%261&name=%E2%82%AC&offset=0",
                "first": "name=n%261&name=%E2%82%AC&offset=0",
            },
        ),
    ],
)
def test_links_after_offset_or_page_keep_that_style(
    api: ModelApi, query: str, links: dict[str, str]
) -> None:
    response = api.get(f"/items?{query}")
    found = {name: link["url"] for name, link in response.links.items()}
    assert found == {name: f"/items?{expected}" for name, expected in links.items()}
    assert not response.headers["content-range"].endswith("*")


def test_link_repeats_parameters_with_the_same_meaning(api: ModelApi) -> None:
    name = 'a&b=c,d>;"é%'
    api.orm(lambda s: s.add_all([Item(id=100 + n, name=name, tenant=1) for n in range(3)]))
    pages = follow(api, str(httpx.URL("/items", params={"name": name, "count": 1})))
    assert ids(pages) == [100, 101, 102]


def test_rows_of_a_view_whose_key_may_be_null_come_exactly_once(serve: Serve) -> None:
    grouped = "SELECT tenant, size, count(*) AS items FROM items GROUP BY tenant, size"
    api = serve(Base.metadata, ["DROP TABLE groups", f"CREATE VIEW groups AS {grouped}"])
    api.orm(_fill)
    api.crud.resource(Group)
    for sort in ("tenant", "size", "-size", "items,-tenant"):
        whole = api.read(f"/groups?sort={sort}")
        assert len(whole) == 6
        pages = follow(api, f"/groups?count=1&sort={sort}")
        back = follow(api, str(pages[-1].request.url.raw_path, "ascii"), "prev")
        for read in (pages, back[::-1]):
            assert [row for page in read for row in page.json()] == whole, sort


@pytest.mark.parametrize("key", ["a;b,c", 'a%2F"<é>', "%25, <x>"])
def test_link_of_a_path_with_special_characters_can_be_followed(serve: Serve, key: str) -> None:
    api = serve(Base.metadata)
    name = unquote(key)
    api.orm(lambda s: s.add(Label(name=name, tags=[Tag(id=n) for n in range(1, 4)])))
    api.crud.resource(Label, associations=True)
    assert ids(follow(api, f"/labels/{key}/tags?count=1")) == [1, 2, 3]


def test_link_begins_with_the_root_path_that_a_proxy_cuts_off(api: ModelApi) -> None:
    api.app.root_path = "/api"
    for path in ("/items", "/api/items"):
        link = api.get(f"{path}?count=1").links["next"]["url"]
        assert link.startswith("/api/items?count=1&cursor="), path
        assert ids([api.get(link)]) == ids([api.get(link.removeprefix("/api"))]) == [2]


def test_link_of_more_than_four_kilobytes_is_left_out(api: ModelApi) -> None:
    short = api.get("/items?count=1&" + "&".join(f"id__ne={'9' * 9}" for _ in range(1)))
    assert "link" in short.headers
    many = "&".join(f"name={'x' * 100}" for _ in range(45))
    response = api.get(f"/items?count=1&name=n1&{many}")
    assert response.status_code == 200
    assert "link" not in response.headers
    assert response.headers["content-range"].startswith("items 0-0/")


def test_list_with_too_long_sort_keys_has_no_link(api: ModelApi) -> None:
    api.orm(lambda s: s.add_all([Item(id=n, name="x" * 100_000, tenant=1) for n in (101, 102)]))
    response = api.get("/items?sort=-name&count=1&fields=id")
    assert response.json() == [{"id": 101}]
    assert "link" not in response.headers
    assert response.headers["content-range"] == f"items 0-0/{ROWS + 2}"
    assert len(ids(follow(api, "/items?count=10"))) == ROWS + 2


def test_page_by_cursor_before_too_long_sort_keys_has_no_link(api: ModelApi) -> None:
    names = ("z" * 3, "y" * 3, "x" * 100_000, "x" * 3)
    api.orm(lambda s: s.add_all([Item(id=101 + n, name=x, tenant=1) for n, x in enumerate(names)]))
    pages = follow(api, "/items?sort=-name&count=2&fields=id&id__gte=101")
    assert ids(pages) == [101, 102, 103, 104]
    pages = follow(api, "/items?sort=-name&count=1&fields=id&id__gte=101")
    assert ids(pages) == [101, 102, 103]
    assert "link" not in pages[-1].headers  # A link to the first page alone would end the list.


def test_cursor_parameter_of_other_apis_is_suggested(api: ModelApi) -> None:
    for name in ("page_token", "starting_after", "page[after]", "nextToken"):
        body = assert_problem(api.get("/items", params={name: "x"}), 400, "invalid-query")
        assert body["detail"].endswith("did you mean cursor?"), name


REFUSED: Final = (
    ("sort=name&cursor={}", "was made for another sort, filter, search or preset"),
    ("cursor={}&size=1", "was made for another sort, filter, search or preset"),
    ("cursor={}&q=n", "was made for another sort, filter, search or preset"),
    ("cursor={}&preset=even", "was made for another sort, filter, search or preset"),
    ("cursor={}&or=size=1", "was made for another sort, filter, search or preset"),
    ("cursor={}x", "is not a cursor of this list"),
    ("cursor={}%3D", "is not a cursor of this list"),
    ("cursor=", "is not a cursor of this list"),
    ("cursor=%00%FF", None),
    ("cursor=A", "is not a cursor of this list"),
    ("cursor=" + "A" * 5000, "is not a cursor of this list"),
    ("cursor={0}&cursor={0}", "must be given once"),
    ("cursor={}&offset=0", "cannot be combined with offset"),
    ("cursor={}&page=1", "cannot be combined with page"),
)


def test_cursor_of_another_list_is_rejected(api: ModelApi) -> None:
    cursor = cursor_of(api.get("/items?count=5"))
    for query, reason in REFUSED:
        body = assert_problem(api.get(f"/items?{query.format(cursor)}"), 400, "invalid-query")
        if reason is not None:
            assert body["message"].startswith(f"cursor {reason}"), query
            assert body["errors"][0]["field"] == "cursor"


def test_cursor_with_any_byte_changed_is_rejected(api: ModelApi) -> None:
    cursor = cursor_of(api.get("/items?count=5"))
    for place in range(len(cursor) - 1):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        assert api.get(f"/items?cursor={changed}").status_code == 400, place
        assert api.get(f"/items?cursor={cursor[:place]}").status_code == 400, place


def test_cursor_with_other_count_fields_and_children_continues(api: ModelApi) -> None:
    cursor = cursor_of(api.get("/items?count=5"))
    response = api.get(f"/items?cursor={cursor}&count=2&fields=id&children=")
    assert response.json() == [{"id": 6}, {"id": 7}]


def test_cursor_shows_no_hidden_value_and_no_key(api: ModelApi) -> None:
    response = api.get("/shops/1/items?count=1")
    assert HIDDEN not in response.text
    pages = follow(api, "/shops/1/items?count=1")
    assert len(pages) == 6
    lengths = {len(cursor_of(page)) for page in pages[:-1]}
    assert len(lengths) == 1
    raw = urlsafe_b64decode(cursor_of(pages[0]) + "==")
    assert HIDDEN.encode()[:4] not in raw


def test_cursor_of_another_tenant_finds_only_rows_of_the_caller(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.orm(_fill)
    items = api.crud.resource(Item)
    tenants = iter([0, 1])

    @items.list.fetch.before
    async def narrow(context: Context) -> None:
        context.criteria["tenant"] = next(tenants)

    first = api.get("/items?count=3")
    assert ids([first]) == [2, 4, 6]
    others = api.get(first.links["next"]["url"])
    assert ids([others]) == [7, 9, 11]


def test_cursor_after_deleted_row_continues(api: ModelApi) -> None:
    first = api.get("/items?count=5")
    api.sql("DELETE FROM items WHERE id IN (5, 6)")
    second = api.get(first.links["next"]["url"])
    assert ids([second]) == [7, 8, 9, 10, 11]
    api.sql("DELETE FROM items WHERE id > 5")
    empty = api.get(first.links["next"]["url"])
    assert empty.json() == []
    assert "content-range" not in empty.headers
    assert [*empty.links] == ["first"]


def test_page_set_by_a_hook_has_no_links_and_rejects_a_cursor(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.orm(_fill)
    items = api.crud.resource(Item)
    cursor = cursor_of(api.get("/items?count=5"))

    @items.list.fetch.before
    async def place(context: Context) -> None:
        context.offset = 2

    response = api.get("/items?count=2")
    assert ids([response]) == [3, 4]
    assert response.headers["content-range"] == f"items 2-3/{ROWS}"
    assert "link" not in response.headers
    body = assert_problem(api.get(f"/items?cursor={cursor}"), 400, "invalid-query")
    assert "the service chooses the page" in body["message"]


def test_hooks_size_of_pages_and_rows_left_out_lose_none_of_the_others(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.orm(_fill)
    items = api.crud.resource(Item)

    @items.list.fetch.before
    async def small(context: Context) -> None:
        context.count = 4

    @items.list.fetch.after
    async def odd(context: Context) -> None:
        context.instance = [row for row in context.instance if row.id % 2]

    assert ids(follow(api, "/items")) == [n for n in range(1, ROWS + 1) if n % 2]


def test_list_without_pagination_has_no_cursor(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.orm(_fill)
    api.crud.resource(Item, pagination=False)
    assert "link" not in api.get("/items").headers
    assert_problem(api.get("/items?cursor=abc"), 400, "invalid-query")


def test_finales_mode_links_as_well_and_keeps_its_headers(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.orm(_fill)
    api.crud.resource(Item, compatible="finale")
    pages = follow(api, "/items?count=10&unknown=1")
    assert ids(pages) == [*range(1, ROWS + 1)]
    assert pages[0].headers["content-range"] == f"items 0-9/{ROWS}"
    assert api.get("/items?offset=50").headers["content-range"] == f"items 50-49/{ROWS}"


def _processes(api: ModelApi, *given: Any) -> list[ModelApi]:
    """Return services over the same database, each with a secret, or one made of its database."""
    made = []
    for secret in given:
        other = ModelApi(api.url)
        shared = secret(other.database) if callable(secret) else secret
        other.crud = Crud(other.app, other.database, scopes=("library",), secret=shared)
        other.crud.resource(Item)
        made.append(other)
    return made


def _stored(database: Any) -> StoredSecret:
    return StoredSecret(database)


@pytest.mark.parametrize("secret", [SECRET, _stored])
def test_cursor_is_valid_in_every_process_of_one_secret(serve: Serve, secret: Any) -> None:
    api = serve(Base.metadata)
    api.orm(_fill)
    made = _processes(api, secret, secret, "t" * 32)
    try:
        first, second, stranger = made
        cursor = cursor_of(first.get("/items?count=5"))
        assert ids([second.get(f"/items?count=2&cursor={cursor}")]) == [6, 7]
        body = assert_problem(stranger.get(f"/items?cursor={cursor}"), 400, "invalid-query")
        assert "another secret" in body["message"]
        assert cursor not in json.dumps(body)
    finally:
        for one in made:
            one.close()
    if secret is _stored:
        ((value,),) = api.sql("SELECT value FROM secrets")
        assert len(value) == 32


def test_secret_that_several_processes_store_at_once_is_one(serve: Serve) -> None:
    api = serve(Base.metadata)
    made = _processes(api, *[_stored] * 5)
    stored = [StoredSecret(one.database) for one in made]
    runs = [
        threading.Thread(target=one.run, args=(s.load(),))
        for one, s in zip(made, stored, strict=True)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert all(secret.loaded for secret in stored)
    assert len({secret.derive("any", 32) for secret in stored}) == 1
    for one in made:
        one.close()


def test_stored_secret_that_cannot_be_read_is_replaced_until_it_can(serve: Serve) -> None:
    api = serve(Base.metadata, ddl=["DROP TABLE secrets"])
    api.orm(_fill)
    other = ModelApi(api.url)
    stored = StoredSecret(other.database)
    other.crud = Crud(other.app, other.database, scopes=("library",), secret=stored)
    other.crud.resource(Item)
    try:
        assert ids(follow(other, "/items?count=10")) == [*range(1, ROWS + 1)]
        assert not stored.loaded
        stored._next_try = 0.0  # Rather than to wait for seconds.
        api.orm(lambda s: Base.metadata.create_all(s.connection()))
        assert ids(follow(other, "/items?count=10")) == [*range(1, ROWS + 1)]
        assert stored.loaded
    finally:
        other.close()


@pytest.mark.parametrize("secret", ["short", b"x" * 31, 7, object()])
def test_secret_that_is_short_or_of_another_kind_stops_the_start(serve: Serve, secret: Any) -> None:
    api = serve(Base.metadata)
    with pytest.raises(ConfigurationError, match="option secret: must be"):
        Crud(api.app, api.database, secret=secret)


def test_keys_of_two_purposes_differ_and_stay_the_same() -> None:
    secret = Secret(SECRET.encode())
    assert secret.derive("a", 32) == Secret(SECRET.encode()).derive("a", 32)
    assert secret.derive("a", 32) != secret.derive("b", 32)
    assert Secret().derive("a", 64) != Secret().derive("a", 64)
