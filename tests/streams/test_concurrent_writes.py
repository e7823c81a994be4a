"""A stream during concurrent writes: each row that exists throughout is sent exactly once."""

import asyncio
import json
from collections import Counter
from random import Random
from typing import Any

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from tests.fixtures.models import ModelApi, Serve

NDJSON = {"Accept": "application/x-ndjson", "Accept-Encoding": "identity"}
KEPT = 4_000
WRITERS = 4


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    rank: Mapped[int | None]
    kept: Mapped[bool] = mapped_column(default=False)


@pytest.mark.parametrize("sort", ["id", "rank,-id", "-rank"])
def test_stream_during_concurrent_writes_has_every_lasting_row_exactly_once(
    serve: Serve, sort: str
) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Item)
    random = Random(sort)
    ranks: list[int | None] = [None, *range(50)]

    def rank() -> int | None:
        return random.choice(ranks)

    def fill(session: Session) -> None:
        session.add_all(Item(rank=rank(), kept=n % 2 == 0) for n in range(2 * KEPT))

    api.orm(fill)
    lasting = {row["id"] for row in api.rows(Item) if row["kept"]}
    passing = [row["id"] for row in api.rows(Item) if not row["kept"]]
    random.shuffle(passing)
    streamed, writes = api.run(stream_while_written(api, sort, passing, rank))
    assert writes > WRITERS
    counts = Counter(row["id"] for row in streamed)
    assert set(counts.values()) == {1}
    assert lasting <= counts.keys()
    order = [(-1 if row["rank"] is None else row["rank"]) for row in streamed]
    assert sort == "id" or order == sorted(order, reverse=sort[0] == "-")


async def stream_while_written(
    api: ModelApi, sort: str, passing: list[int], rank: Any
) -> tuple[list[dict[str, Any]], int]:
    """Stream the items while they are inserted and deleted; return rows and number of writes."""
    writes = 0
    streaming: asyncio.Task[Any] | None = None

    async def write() -> None:
        nonlocal writes
        while streaming is None or not streaming.done():
            made = await api.call("POST", "/items", json={"rank": rank()})
            passing.append(made.json()["id"])
            gone = await api.call("DELETE", f"/items/{passing.pop(0)}")
            assert (made.status_code, gone.status_code) == (201, 200)
            writes += 2

    writers = [asyncio.create_task(write()) for _ in range(WRITERS)]
    streaming = asyncio.create_task(api.call("GET", f"/items?sort={sort}", headers=NDJSON))
    response = await streaming
    await asyncio.gather(*writers)
    assert response.status_code == 200
    return [json.loads(line) for line in response.text.splitlines()], writes
