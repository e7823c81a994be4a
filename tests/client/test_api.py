"""The library: tokens are cached, renewed and shared."""

from collections.abc import Iterator
from typing import Any

import pytest

from encore.client.api import Api
from encore.client.errors import ApiRejectedError
from encore.client.settings import ClientSettings
from encore.client.tokens import TokenSource
from encore.client.transport import Transport


@pytest.fixture
def settings(environment: dict[str, str]) -> ClientSettings:
    return ClientSettings(**{name.lower(): value for name, value in environment.items()})


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


@pytest.fixture
def source(settings: ClientSettings, clock: list[float]) -> Iterator[TokenSource]:
    with Transport() as transport:
        yield TokenSource(settings, transport, clock=lambda: clock[0])


def test_token_is_cached_until_shortly_before_expiry(
    source: TokenSource, clock: list[float]
) -> None:
    first = source.get_token()
    clock[0] = 3569.0
    assert source.get_token() == first
    clock[0] = 3570.0
    assert source.get_token() != first


def test_requests_share_one_token(settings: ClientSettings, api: Any) -> None:
    with Api(settings) as library:
        for _ in range(3):
            assert library.request("get", f"{api.url}/parts") == []
    assert len({request.token for request in api.requests}) == 1


def test_rejected_cached_token_is_renewed_once(settings: ClientSettings, api: Any) -> None:
    with Api(settings) as library:
        library.request("GET", api.url)
        api.respond(401, {"title": "Invalid"})
        assert library.request("POST", api.url, b"{}") == []
        assert len(api.requests) == 3
        assert api.requests[1].token != api.requests[2].token
        assert api.requests[1].body == api.requests[2].body == b"{}"


def test_rejected_new_token_is_not_retried(settings: ClientSettings, api: Any) -> None:
    api.respond(401, {"title": "Invalid"})
    with Api(settings) as library, pytest.raises(ApiRejectedError, match="401 Invalid") as refusal:
        library.request("GET", api.url)
    assert refusal.value.status == 401
    assert len(api.requests) == 1
