"""Cursors during concurrent writes: each row that exists throughout is returned exactly once."""

import asyncio
import os
from collections import Counter
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from encore.options import SortOptions
from tests.fixtures.models import ModelApi, Serve

LASTING = 200 * int(os.environ.get("CURSOR_ROWS_FACTOR", "1"))
WRITERS = 4
PAGE = 25
GROUPS = (None, 1, 2, 3)
SORTS = ("id", "rank,-id", "-rank,name", "-group.name,rank", "name")


class Base(DeclarativeBase):
    pass


class Group(Base):
    __tablename__ = "groups"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    rank: Mapped[int | None] = mapped_column(index=True)
    group_id: Mapped[int | None] = mapped_column("groupId", sa.ForeignKey("groups.id"))
    group: Mapped[Group | None] = relationship()


def values(random: Random, kind: str) -> dict[str, Any]:
    """Return the values of a new row."""
    return {
        "name": f"{kind}{random.randrange(50)}",
        "rank": random.choice([None, *range(20)]),
        "groupId": random.choice(GROUPS),
    }


@pytest.mark.parametrize("relation", ["next", "prev"])
def test_cursors_during_concurrent_writes_return_every_lasting_row_exactly_once(
    serve: Serve, relation: str
) -> None:
    api, random = serve(Base.metadata), Random(relation)
    api.crud.resource(
        Item,
        include=["group"],
        sort=SortOptions(attributes=["id", "name", "rank", "group.name"]),
    )

    def fill(session: Session) -> None:
        session.add_all([Group(id=1, name="a"), Group(id=2, name=None), Group(id=3, name="c")])
        session.flush()
        for n in range(2 * LASTING):
            row = values(random, "kept" if n % 2 else "passing")
            session.add(Item(name=row["name"], rank=row["rank"], group_id=row["groupId"]))

    api.orm(fill)
    rows = api.rows(Item)
    lasting = {row["id"] for row in rows if row["name"].startswith("kept")}
    passing = [row["id"] for row in rows if row["id"] not in lasting]
    random.shuffle(passing)
    found, writes = api.run(follow_while_written(api, relation, passing, random))
    assert writes > WRITERS
    for query, ids in found.items():
        counts = Counter(ids)
        assert {counts[id_] for id_ in lasting} == {1}, query


async def follow_while_written(
    api: ModelApi, relation: str, passing: list[int], random: Random
) -> tuple[dict[str, list[int]], int]:
    """Follow each list to its end while rows are inserted, moved and deleted.

    Returns:
        The ids that each query gave, and the number of writes.
    """
    writes, reading = 0, True

    async def write() -> None:
        nonlocal writes
        while reading:
            made = await api.call("POST", "/items", json=values(random, "passing"))
            moved = await api.call("PATCH", f"/items/{passing[-1]}", json=values(random, "passing"))
            passing.append(made.json()["id"])
            gone = await api.call("DELETE", f"/items/{passing.pop(0)}")
            statuses = {made.status_code, moved.status_code, gone.status_code}
            assert statuses <= {200, 201, 404}  # Another writer may have deleted what one moves.
            writes += 3

    writers = [asyncio.create_task(write()) for _ in range(WRITERS)]
    found = {}
    for query in [f"sort={sort}&count={PAGE}" for sort in SORTS] + ["q=kept&sort=-rank&count=7"]:
        found[query] = await follow(api, f"/items?{query}", relation)
    reading = False
    await asyncio.gather(*writers)
    return found, writes


async def follow(api: ModelApi, path: str, relation: str) -> list[int]:
    """Return the ids of all pages from the first on, or from the last back."""
    if relation == "prev":
        path = await last_page(api, path)
    ids: list[int] = []
    while True:
        page = await api.call("GET", path)
        assert page.status_code == 200, page.text
        rows = [row["id"] for row in page.json()]
        ids = [*rows, *ids] if relation == "prev" else [*ids, *rows]
        if relation not in page.links:
            return ids
        path = page.links[relation]["url"]


async def last_page(api: ModelApi, path: str) -> str:
    """Return the path of the last page, to which ``next`` leads."""
    here = path
    while True:
        page = await api.call("GET", here)
        following = page.links.get("next")
        if following is None:
            return here
        here = following["url"]
