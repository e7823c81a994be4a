"""Links of pages that a server sends malformed."""

from typing import Any

import pytest

from encore.client import Client, UnexpectedResponseError


def test_link_whose_target_is_no_url_is_an_error_of_the_client(api: Any) -> None:
    api.respond(200, [1], Link='<http://[::1>; rel="next"')
    with Client(api.url) as client, pytest.raises(UnexpectedResponseError, match="Link"):
        client.parts.list()
