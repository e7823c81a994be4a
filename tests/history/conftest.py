"""A service whose models have histories, on each database."""

from typing import Any

import pytest

from encore import SearchOptions
from tests.fixtures.history_models import HistoryBase, Maker, Note, Plain, Tool
from tests.fixtures.models import ModelApi, Serve


@pytest.fixture
def api(serve: Serve) -> ModelApi:
    api = serve(HistoryBase.metadata)
    api.crud.resource(Maker, history=True, include=["tools"])
    search = SearchOptions(attributes=["name"])
    api.crud.resource(Tool, history=True, include=["notes"], search=search)
    api.crud.resource(Note, history=True)
    api.crud.resource(Plain)
    return api


def history(api: ModelApi, path: str, **query: Any) -> Any:
    """Return the entries of a row, the oldest first."""
    response = api.get(f"{path}/history", params=query)
    assert response.status_code == 200, response.text
    return response.json()[::-1]
