"""The responses to bulk writes by filter: a number, rows, or nothing."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from encore.bulk.context import BulkContext
from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.execution.resource import Resource
from encore.http.prefer_header import REPRESENTATION
from encore.serializers.records import encode

_ROWS_PER_ITERATION: Final = 256


async def encode_rows(
    resource: Resource, connection: Connection, rows: Sequence[Row]
) -> list[bytes]:
    """Return rows as JSON objects; other requests run meanwhile."""
    encoded = []
    for start in range(0, len(rows), _ROWS_PER_ITERATION):
        part = rows[start : start + _ROWS_PER_ITERATION]
        records = resource.serializer.read_rows(part)
        if resource.serializer.children and resource.options.reload_instances:
            await resource.relation_loader.embed(connection, part, records)
        encoded += [encode(record) for record in records]
        await asyncio.sleep(0)
    return encoded


def affected_body(context: BulkContext) -> bytes:
    """Return the body of the response to a bulk write by filter: the number, or the rows.

    If a hook has ended the action of a row, there is a number.
    """
    if context.preferred == REPRESENTATION and all(context.representations):
        return b"[%s]" % b",".join(context.representations)
    return msgspec.json.encode({"affected": context.affected})
