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

_JSON: Final = (b"content-type", b"application/json")
_ROWS_PER_ITERATION: Final = 256


async def encode_rows(
    resource: Resource, connection: Connection, rows: Sequence[Row]
) -> list[bytes]:
    """Return rows as JSON objects in the order of their keys; other requests run meanwhile."""
    fields = resource.fields
    ordered = sorted(rows, key=fields.key_of)
    encoded = []
    for start in range(0, len(ordered), _ROWS_PER_ITERATION):
        part = ordered[start : start + _ROWS_PER_ITERATION]
        records = resource.serializer.read_rows(part)
        if resource.serializer.children and resource.options.reload_instances:
            await resource.relation_loader.embed(connection, part, records)
        encoded += [encode(record) for record in records]
        await asyncio.sleep(0)
    return encoded


def send_affected(context: BulkContext) -> None:
    """Set the response to a bulk write by filter; the pipeline omits it if nothing is preferred."""
    context.headers.append(_JSON)
    if context.preferred == REPRESENTATION:
        context.body = b"[%s]" % b",".join(context.representations)
    else:
        context.body = msgspec.json.encode({"affected": context.affected})
    context.representation = context.body
