"""Links of pages that a server sends malformed, or in a circle."""

import asyncio
from typing import Any

import pytest

from encore.client import AsyncClient, Client, UnexpectedResponseError, UsageError


def test_link_whose_target_is_no_url_is_an_error_of_the_client(api: Any) -> None:
    api.respond(200, [1], Link='<http://[::1>; rel="next"')
    with Client(api.url) as client, pytest.raises(UnexpectedResponseError, match="Link"):
        client.parts.list()


def respond_in_a_circle(api: Any) -> None:
    for path in ("/a", "/b", "/a", "/b"):
        api.respond(200, [1], Link=f'<{path}>; rel="next"')


def test_pages_in_a_circle_are_an_error(api: Any) -> None:
    respond_in_a_circle(api)
    with Client(api.url) as client, pytest.raises(UnexpectedResponseError, match="repeat"):
        list(client.parts.all())
    assert len(api.requests) == 3


def test_pages_in_a_circle_are_an_error_for_tasks_too(api: Any) -> None:
    async def read_all() -> None:
        async with AsyncClient(api.url) as client:
            async for _ in client.parts.all():
                pass

    respond_in_a_circle(api)
    with pytest.raises(UnexpectedResponseError, match="repeat"):
        asyncio.run(read_all())


def test_update_without_changes_is_refused_instead_of_changing_nothing(api: Any) -> None:
    with Client(api.url) as client, pytest.raises(UsageError, match="nothing to change"):
        client.parts.update(1)
    assert api.requests == []
