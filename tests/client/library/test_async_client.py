"""The client of tasks over a real service; what is common with ``Client`` is tested there."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from encore.client import AsyncClient, ClientCredentials, NotFound, UsageError
from tests.fixtures.system import System


def test_every_method_of_a_resource(shop: System, shop_auth: ClientCredentials) -> None:
    name = uuid4().hex

    async def rows() -> AsyncIterator[dict[str, Any]]:
        for i in range(5):
            yield {"name": name, "code": f"{name}{i}"}

    async def use() -> None:
        async with AsyncClient(shop.url, auth=shop_auth) as client:
            products = client.products
            row = await products.create(name=name)
            assert await products.get(row["id"]) == row
            row = await products.update(row["id"], {"price": 1}, if_match=row)
            row = await products.put(row["id"], {"price": 2})
            await products.delete(row["id"])
            with pytest.raises(NotFound):
                await products.get(row["id"])
            assert (await products.restore(row["id"]))["price"] == 2
            assert (await products.upsert({"code": name}, on="code"))["code"] == name
            assert (await products.bulk_create(rows()))["created"] == 5
            page = await products.list(name=name, count=4)
            assert repr(page) == "<AsyncPage: 4 of 6 rows, has_next>"
            last = await page.next()
            assert last is not None
            assert (len(last), await last.next()) == (2, None)
            assert len([row async for row in products.all(name=name, count=4)]) == 6
            async with products.stream(name=name) as streamed:
                assert len([row async for row in streamed]) == 6
            report = await products.upload([{"name": name}])
            assert report["created"] == 1
            assert await products.bulk_update([{"id": row["id"], "price": 3}])
            assert await products.update_where({"name": name}, {"price": 4}) == {"affected": 7}
            async with client.batch() as batch:
                removed = batch.on(products).delete_where({"name": name, "code__is_null": True})
                read = batch.resource("products").list(name=name)
            assert (removed.result, read.result.total) == ({"affected": 2}, 5)
            assert await products.delete_where({"name": name}) == {"affected": 5}
            assert await client["products"].list(name=name) == []
            assert await client.request("GET", "livez") == {"status": "alive"}
            async with client.stream("GET", "products", headers={"Accept": "text/csv"}) as (
                _,
                body,
            ):
                assert b"".join([chunk async for chunk in body]).startswith(b"id,")

    asyncio.run(use())


def test_error_of_an_asynchronous_generator_reaches_the_caller(
    shop: System, shop_auth: ClientCredentials
) -> None:
    async def rows() -> AsyncIterator[dict[str, Any]]:
        yield {"name": "x"}
        raise OSError("lost")

    async def upload() -> None:
        async with AsyncClient(shop.url, auth=shop_auth) as client:
            await client.products.upload(rows())

    with pytest.raises(OSError, match="lost"):
        asyncio.run(upload())


def test_tasks_share_one_client(shop: System, shop_auth: ClientCredentials) -> None:
    async def use() -> list[int | None]:
        async with AsyncClient(shop.url, auth=shop_auth) as client:
            pages = await asyncio.gather(*(client.reviews.list(id=-1) for _ in range(20)))
            return [page.total for page in pages]

    assert asyncio.run(use()) == [0] * 20


def test_asynchronous_rows_need_the_client_of_tasks(
    shop: System, shop_auth: ClientCredentials
) -> None:
    async def rows() -> AsyncIterator[dict[str, Any]]:
        yield {"name": "x"}

    from encore.client import Client  # noqa: PLC0415 - the other one

    with Client(shop.url, auth=shop_auth) as client, pytest.raises(UsageError, match="AsyncClient"):
        client.products.upload(rows())  # type: ignore[arg-type] # that is the test
