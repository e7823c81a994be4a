"""Keyset pages: together they are the whole list, compared with Python's sort."""

import datetime as dt
import enum
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from encore.execution.resource import Resource
from encore.options import SortOptions
from encore.pages.page import BEGINNING, KeysetPosition, Page, PagedQuery, read_page
from encore.types import DurationHours, FixedDecimal, UtcDateTime
from tests.fixtures.in_process import empty
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Mood(enum.Enum):
    good = "g"
    bad = "b"


class Owner(Base):
    __tablename__ = "owners"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(
        sa.String().with_variant(sa.Text(collation="C"), "postgresql")
    )
    pets: Mapped[list["Pet"]] = relationship(
        back_populates="owner", order_by=lambda: (sa.func.abs(Pet.whole).desc(), Pet.name)
    )


class Pet(Base):
    __tablename__ = "pets"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(
        sa.String().with_variant(sa.Text(collation="C"), "postgresql")
    )
    whole: Mapped[int | None] = mapped_column(sa.BigInteger, index=True)
    ratio: Mapped[float | None] = mapped_column(
        sa.Double().with_variant(DOUBLE_PRECISION, "postgresql")
    )
    price: Mapped[Decimal | None] = mapped_column(sa.Numeric(12, 2))
    hours: Mapped[Decimal | None] = mapped_column(FixedDecimal(2))
    walked: Mapped[Decimal | None] = mapped_column(DurationHours)
    born: Mapped[dt.date | None]
    at: Mapped[dt.datetime | None] = mapped_column(sa.DateTime, server_default=sa.func.now())
    utc: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    clock: Mapped[dt.time | None]
    code: Mapped[UUID | None]
    tame: Mapped[bool | None]
    mood: Mapped[Mood | None]
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("owners.id"))
    owner: Mapped[Owner | None] = relationship(back_populates="pets")

    __table_args__ = (sa.Index("ix_pets_price_id", "price", "id"),)

    @hybrid_property
    def size(self) -> int:
        """The length of the name."""
        return len(self.name)

    @size.inplace.expression
    @classmethod
    def _size(cls) -> sa.ColumnElement[int]:
        return sa.func.length(cls.name, type_=sa.Integer)


TEXT: Final = st.text(st.sampled_from("aAbé €z"), max_size=2)
FLOATS: Final = st.sampled_from([0.1, -0.0, 0.0, 1e300, -1e300, 2**53 + 1.0, float("inf"), -2.5])
SMALL: Final = st.integers(-2, 2)
VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "whole": st.one_of(SMALL, st.sampled_from([2**62, 2**62 + 1, -(2**62)])),
    "ratio": FLOATS,
    "price": SMALL.map(lambda n: Decimal(n) / 4),
    "hours": SMALL.map(lambda n: Decimal(n) / 4),
    "walked": st.integers(1199, 1202).map(DurationHours.from_seconds),
    "born": st.sampled_from(
        [dt.date(2020, 1, 1), dt.date(2020, 1, 2), dt.date(1, 1, 2), dt.date(9999, 12, 31)]
    ),
    "at": st.sampled_from(
        [
            dt.datetime.fromisoformat(text)
            for text in ("2020-01-01T00:00:00", "2020-01-01T00:00:00.000500", "2019-01-01T00:00:00")
        ]
    ),
    "utc": st.sampled_from([dt.datetime(2020, 1, n, tzinfo=dt.UTC) for n in (1, 2)]),
    "clock": st.sampled_from([dt.time(1, 2, 3), dt.time(1, 2, 3, 4), dt.time(0)]),
    "code": st.sampled_from([UUID(int=n) for n in (0, 1, 2**127)]),
    "tame": st.booleans(),
    "mood": st.sampled_from(Mood),
    "owner_id": st.sampled_from([1, 2, 3]),
}
SORTABLE: Final = ("id", "name", "size", "owner.name", *VALUES)


def _populate(session: Session, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
    names = [draw(TEXT), draw(TEXT), None]
    session.add_all([Owner(id=n, name=name) for n, name in enumerate(names, 1)])
    session.flush()
    perhaps = {name: st.one_of(st.none(), values) for name, values in VALUES.items()}
    rows = st.fixed_dictionaries({"name": TEXT, **perhaps})
    session.add_all([Pet(**row) for row in draw(st.lists(rows, min_size=1, max_size=12))])


def _key(pet: Pet, name: str, *, is_sqlite: bool) -> tuple[bool, Any]:
    """Return the sort key in Python: nulls are the least."""
    first, _, last = name.rpartition(".")
    value: Any = getattr(pet.owner if first else pet, last, None)
    if isinstance(value, Mood):  # PostgreSQL knows the order of their declaration.
        value = value.name if is_sqlite else list(Mood).index(value)
    return value is not None, value


def _sorted_ids(session: Session, sort: list[str], *, is_sqlite: bool) -> list[int]:
    pets = sorted(session.scalars(sa.select(Pet)), key=lambda pet: pet.id)
    for name in reversed(sort):
        bare = name.removeprefix("-")
        pets.sort(key=lambda pet: _key(pet, bare, is_sqlite=is_sqlite), reverse=name != bare)
    return [pet.id for pet in pets]


def _pages(
    api: ModelApi, paged_query: PagedQuery, position: KeysetPosition, size: int
) -> list[Page]:
    """Return all pages to the end."""

    async def read() -> list[Page]:
        pages, place = [], position
        async with api.database.reading() as connection:
            while True:
                pages.append(await read_page(connection, paged_query, place, size))
                following = pages[-1].before if place.backwards else pages[-1].after
                if pages[-1].is_last or following is None:
                    return pages
                place = following

    return api.run(read())


def _ids(pages: list[Page]) -> list[int]:
    return [row[0] for page in pages for row in page.rows]


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.reuse, Phase.generate],
)
@given(data=st.data())
def test_pages_by_sort_keys_are_the_list_as_python_sorts_it(
    serve: Serve, data: st.DataObject
) -> None:
    api, resource = _service(serve)
    api.orm(lambda session: empty(session.connection(), Base.metadata))
    api.orm(lambda session: _populate(session, data.draw))
    names = data.draw(st.lists(st.sampled_from(SORTABLE), max_size=3, unique=True))
    sort = [data.draw(st.sampled_from(["", "-"])) + name for name in names]
    size = data.draw(st.integers(1, 4))
    expected = api.orm(lambda session: _sorted_ids(session, sort, is_sqlite=api.is_sqlite))

    query = resource.parser.parse(f"sort={','.join(sort)}".encode() if sort else b"")
    paged_query = PagedQuery(resource.statements, (), (), query.statement_key.order)
    pages = _pages(api, paged_query, BEGINNING, size)
    assert _ids(pages) == expected, sort

    page = data.draw(st.sampled_from(pages))
    if page.before is not None:
        backwards = _pages(api, paged_query, page.before, size)
        ids, all_before = _ids(backwards[::-1]), expected[: expected.index(page.rows[0][0])]
        # No keys say where a row is whose date PostgreSQL's driver takes for infinity.
        assert ids == all_before if backwards[-1].is_last else ids == all_before[-len(ids) :], sort


_services: dict[int, tuple[ModelApi, Resource]] = {}


def _service(serve: Serve) -> tuple[ModelApi, Resource]:
    """Return one service for all examples of a test."""
    if id(serve) not in _services:
        _services.clear()
        api = serve(Base.metadata)
        _services[id(serve)] = (
            api,
            api.crud.resource(Pet, include=["owner"], sort=SortOptions(attributes=SORTABLE)),
        )
    return _services[id(serve)]


def test_pages_in_the_order_of_a_relationship_are_the_whole_list(serve: Serve) -> None:
    api = serve(Base.metadata)
    owners = api.crud.resource(Owner, associations=True)
    pets = owners.nested_resources["pets"]

    def fill(session: Session) -> None:
        session.add(Owner(id=1, name="Ann"))
        session.flush()
        wholes = (3, None, -3, 1, None, 0, 2)
        session.add_all(
            Pet(id=n, name="ab"[n % 2], whole=w, owner_id=1) for n, w in enumerate(wholes)
        )

    api.orm(fill)
    expected = [pet["id"] for pet in api.get("/owners/1/pets").json()]
    order = pets.parser.parse(b"").statement_key.order
    paged_query = PagedQuery(pets.statements, (), (1,), order)
    for size in (1, 2, 3, 7):
        assert _ids(_pages(api, paged_query, BEGINNING, size)) == expected


def test_page_after_values_beyond_python_continues_by_counting(serve: Serve) -> None:
    api = serve(Base.metadata)
    resource = api.crud.resource(Pet)
    if api.is_sqlite:
        names = [f"CAST(x'{text}' AS TEXT)" for text in ("61", "fe", "fe", "ff", "ff41")]
        births = ["NULL"] * 5
    else:
        names = ["''"] * 5
        births = ["'0044-03-15 BC'", "'9999-12-31'", "'infinity'", "'infinity'", "NULL"]
    for n, (name, born) in enumerate(zip(names, births, strict=True)):
        api.sql(f"INSERT INTO pets (id, name, born) VALUES ({n}, {name}, {born})")
    order = resource.parser.parse(b"sort=-name,born").statement_key.order
    paged_query = PagedQuery(resource.statements, (), (), order)
    whole = _ids(_pages(api, paged_query, BEGINNING, 100))
    assert sorted(whole) == [0, 1, 2, 3, 4]
    for size in (1, 2, 3):
        assert _ids(_pages(api, paged_query, BEGINNING, size)) == whole
