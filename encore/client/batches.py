"""Batches as context managers: they are sent when the block ends without an exception."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from encore.client.batch import BatchBuilder, BatchOptions
from encore.client.batch_resource import BatchResource
from encore.client.paths import encode_path
from encore.client.resource import CreateT, Resource, RowT, UpdateT

if TYPE_CHECKING:
    from encore.client.async_resource import AsyncResource
    from encore.client.async_sender import AsyncSender
    from encore.client.sender import Sender


class _Resources(BatchBuilder):
    def on(
        self,
        resource: "Resource[RowT, CreateT, UpdateT] | AsyncResource[RowT, CreateT, UpdateT]",
    ) -> BatchResource[RowT, CreateT, UpdateT]:
        """Return a resource of the client in this batch: ``batch.on(client.parts).create(...)``."""
        return BatchResource(self, resource.path)

    def resource(
        self, path: str, *segments: Any
    ) -> BatchResource[dict[str, Any], Mapping[str, Any], Mapping[str, Any]]:
        """Return a resource in this batch by its path.

        Args:
            path: Words with slashes between them.
            segments: Further segments of the path; they may be references.
        """
        return BatchResource(self, encode_path(path, *segments))


class Batch(_Resources):
    """Collects operations in a ``with`` block, and sends them at its end.

    An exception in the block leaves everything unsent. Nothing is sent without operations.
    """

    def __init__(self, sender: "Sender", options: BatchOptions) -> None:
        super().__init__(options)
        self._sender = sender

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, error_class: type[BaseException] | None, *_: object) -> None:
        self.is_open = False
        if error_class is None and self.operations:
            self.accept(self._sender.exchange(self.build()))


class AsyncBatch(_Resources):
    """Collects operations in an ``async with`` block, and sends them at its end."""

    def __init__(self, sender: "AsyncSender", options: BatchOptions) -> None:
        super().__init__(options)
        self._sender = sender

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(self, error_class: type[BaseException] | None, *_: object) -> None:
        self.is_open = False
        if error_class is None and self.operations:
            self.accept(await self._sender.exchange(self.build()))
