"""A resource in a batch: its methods add operations, and return them."""

from collections.abc import Iterable, Mapping
from typing import Any, Generic

from encore.client.batch import BatchBuilder, BatchOperation
from encore.client.pages import PageData
from encore.client.requests import Call
from encore.client.resource import CreateT, RowT, UpdateT
from encore.client.resource_calls import ResourceCalls


class BatchResource(Generic[RowT, CreateT, UpdateT]):
    """A resource whose methods add operations to a batch.

    Their arguments are those of ``Resource``; keys and values may be references to results of
    earlier operations.

    Args:
        batch: The batch.
        path: The resource's path, percent-encoded.
    """

    def __init__(self, batch: BatchBuilder, path: str) -> None:
        self._batch = batch
        self._calls = ResourceCalls(path)

    def list(
        self, parameters: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> BatchOperation[PageData[RowT]]:
        """Add the request of a page."""
        request = self._calls.list(parameters, keywords)
        return self._batch.add(Call(request, lambda response: PageData(response, request)))

    def get(
        self, key: Any, parameters: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> BatchOperation[RowT]:
        """Add the reading of a row."""
        return self._batch.add(self._calls.get(key, parameters, keywords))

    def create(self, row: CreateT | None = None, /, **keywords: Any) -> BatchOperation[RowT]:
        """Add the creation of a row."""
        return self._batch.add(self._calls.create(row, keywords))

    def upsert(self, row: CreateT | None = None, /, **keywords: Any) -> BatchOperation[RowT]:
        """Add the creation of a row, or the change of the stored one."""
        return self._batch.add(self._calls.upsert(row, keywords))

    def update(
        self, key: Any, changes: UpdateT | None = None, /, **keywords: Any
    ) -> BatchOperation[RowT]:
        """Add the change of a row."""
        return self._batch.add(self._calls.update(key, changes, keywords))

    def put(self, key: Any, row: UpdateT | None = None, /, **keywords: Any) -> BatchOperation[RowT]:
        """Add a row sent by PUT."""
        return self._batch.add(self._calls.update(key, row, keywords, "PUT"))

    def delete(self, key: Any, /, **options: Any) -> BatchOperation[None]:
        """Add the deletion of a row."""
        return self._batch.add(self._calls.delete(key, options))

    def restore(self, key: Any, /, **options: Any) -> BatchOperation[RowT]:
        """Add the restoration of a deleted row."""
        return self._batch.add(self._calls.restore(key, options))

    def bulk_create(
        self, rows: Iterable[Mapping[str, Any]], /, **options: Any
    ) -> BatchOperation[dict[str, Any]]:
        """Add the creation of many rows."""
        return self._add_rows(self._calls.bulk_create((), options), rows)

    def bulk_update(
        self, rows: Iterable[Mapping[str, Any]], /, **options: Any
    ) -> BatchOperation[dict[str, Any]]:
        """Add the change of many rows."""
        return self._add_rows(self._calls.bulk_update((), options), rows)

    def update_where(
        self, filters: Mapping[str, Any], changes: UpdateT, /, **options: Any
    ) -> BatchOperation[dict[str, Any]]:
        """Add the change of all rows that filters match."""
        return self._batch.add(self._calls.update_where(filters, changes, options))

    def delete_where(
        self, filters: Mapping[str, Any], /, **options: Any
    ) -> BatchOperation[dict[str, Any]]:
        """Add the deletion of all rows that filters match."""
        return self._batch.add(self._calls.delete_where(filters, options))

    def _add_rows(
        self, call: Call[Any], rows: Iterable[Mapping[str, Any]]
    ) -> BatchOperation[dict[str, Any]]:
        request = call.request._replace(content=None, json=[*rows])
        return self._batch.add(Call(request, call.parse))
