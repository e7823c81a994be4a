"""The endpoint of an upload: the ASGI application that runs it, and its OpenAPI description.

The body is received before any database resource is taken. Its rows are read and staged without a
lock; only the merge, if it is going to write, locks the table. When the client disconnects, the
upload ends, also while it waits for a lock; nothing is written unless its commit was in progress.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from encore.database.errors import DatabaseError
from encore.database.protocol import Database
from encore.errors import ApiError
from encore.execution.actions import JSON_ONLY
from encore.execution.context import Context
from encore.execution.error_mapping import map_database_error
from encore.execution.unit_of_work import UnitOfWork
from encore.http.media_types import check_accept
from encore.http.preconditions import refuse_preconditions
from encore.http.request_state import RequestState
from encore.http.unsupported_headers import reject_idempotency_key
from encore.idempotency.fingerprint import IdempotentRequest, begin_fingerprint, owner_of
from encore.openapi.components import Components
from encore.openapi.described_resource import DescribedResource
from encore.openapi.examples import create_example, csv_example, ndjson_example
from encore.openapi.headers import REPLAYED
from encore.openapi.names import ResourceNames, operation_id
from encore.openapi.problems import problems
from encore.openapi.responses import json_response
from encore.openapi.schemas import (
    component_name,
    create_reference,
    create_schema,
    row_reference,
)
from encore.openapi.texts import OperationText
from encore.openapi.write_descriptions import IDEMPOTENCY_KEY
from encore.uploads.formats import CSV, JSON, NDJSON
from encore.uploads.handler import UploadHandler
from encore.uploads.hooks import UploadContext
from encore.uploads.report_schemas import report_reference
from encore.uploads.request import SpooledBody, UploadRequest
from encore.uploads.responses import NOTHING_WRITTEN, UploadResponse
from encore.uploads.upload import Upload

_ERROR_STATUSES: Final = (400, 401, 403, 406, 409, 412, 413, 415, 503)


class UploadEndpoint:
    """The ASGI application of one upload.

    Args:
        upload: The upload's options.
        database: The database.

    Attributes:
        access: What callers need.
        name: The name of the route.
    """

    def __init__(self, upload: Upload, database: Database) -> None:
        self.access = upload.access
        self.name = f"upload_{upload.resource.slug}"
        self._upload = upload
        self._database = database

    @property
    def accepts_idempotency_keys(self) -> bool:
        """Whether a request may have an ``Idempotency-Key``: unless the upload's options say no."""
        return self._upload.idempotency_keys is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Receive the body, handle the upload and send the response."""
        upload = self._upload
        check_accept(scope, JSON_ONLY)
        refuse_preconditions(scope)
        if upload.idempotency_keys is None:
            reject_idempotency_key(scope, "this upload does not store its responses")
        request = UploadRequest.of(scope, upload.parameters)
        state = RequestState.from_scope(scope)
        context = UploadContext(upload.resource, state, request)
        for hook in upload.before_read_hooks:
            hook(context)
        with SpooledBody() as body:
            await body.receive(scope, receive, upload.limit)
            handling = self._respond(context, body, scope, send)
            await state.while_connected(handling, interrupt=body.stop)

    async def _respond(
        self, context: UploadContext, body: SpooledBody, scope: Scope, send: Send
    ) -> None:
        try:
            response = await self._handle(context, body, scope)
        except DatabaseError as error:
            mapped = await self._map_error(error, scope)
            raise _with_committed(mapped, context.committed) from error
        except ApiError as error:
            raise _with_committed(error, context.committed) from error.__cause__
        await response.send(send)

    async def _handle(
        self, context: UploadContext, body: SpooledBody, scope: Scope
    ) -> UploadResponse:
        upload, key, idempotent = self._upload, context.request.key, None
        if key is not None and upload.idempotency_keys is not None:
            fingerprint = begin_fingerprint(scope)
            fingerprint.update(body.digest.digest())
            idempotent = IdempotentRequest(owner_of(scope, key), key, fingerprint.hexdigest())
            async with self._database.reading() as connection:
                stored = await upload.idempotency_keys.find(connection, idempotent)
            if stored is not None:
                return UploadResponse.replayed(stored)
        handler = None
        try:
            async with self._database.bulk() as bulk, bulk.temporary(upload.staging.table):
                handler = UploadHandler(upload, context, bulk, body, idempotent)
                return await handler.handle()
        except BaseException:  # Cancelled while the connection is released, with a response.
            if handler is not None:
                handler.close()
            raise

    async def _map_error(self, error: DatabaseError, scope: Scope) -> Exception:
        unit = UnitOfWork(self._database, writes=True, single=False)
        context = Context(self._upload.resource, "create", scope, unit)
        return await map_database_error(error, context, self._database)


def _with_committed(error: Exception, committed: str) -> Exception:
    """Return an error that says what is written nevertheless, and that suggests no retry then."""
    if isinstance(error, ApiError) and committed:
        message = error.message.removesuffix(f": {NOTHING_WRITTEN}")
        error.message = error.detail = f"{message}; {committed}"
        error.headers.pop("Retry-After", None)
    return error


def describe_upload(upload: Upload, components: Components) -> dict[str, Any]:
    """Return the Operation Object of an upload."""
    described = DescribedResource(components, upload.resource)
    keyed = upload.idempotency_keys is not None
    parameters: list[Mapping[str, Any]] = [*upload.parameters.describe()]
    if keyed:
        parameters.append(IDEMPOTENCY_KEY)
    return described.operation(
        _operation_text(described.names),
        upload.path,
        parameters=parameters,
        body={"required": True, "content": _content(_row(upload, components), _example(upload))},
        responses={
            **problems(components, _ERROR_STATUSES, keyed=keyed),
            **_successes(components, upload, (REPLAYED,) if keyed else ()),
        },
    )


def _operation_text(names: ResourceNames) -> OperationText:
    return OperationText(
        operation_id("upload", names.plural),
        f"Upload {names.plural}",
        f"Reads many {names.plural} as a JSON array, NDJSON or CSV; or one {names.singular} as a"
        " JSON object, whose response is the row, with a `message`."
        f" {names.a_row.capitalize()} whose key is stored is updated; any other one"
        " is created. The parameter `key` says which fields are the key.",
    )


def _row(upload: Upload, components: Components) -> dict[str, str]:
    """Return a reference to the schema of a row in the body, and define it."""
    resource = upload.resource
    schema = create_schema(resource, components)
    others = {f.name for f in resource.bodies.creatable if f not in upload.writable}
    members = {n: member for n, member in schema["properties"].items() if n not in others}
    members |= upload.previous_key.schemas()
    if members == schema["properties"]:
        return create_reference(resource, components)
    name = f"{component_name(resource, components)}Upload"
    example = _example(upload)
    return components.schema(name, {**schema, "properties": members, "examples": [example]})


def _example(upload: Upload) -> dict[str, Any]:
    """Return an example of a row in the body."""
    writable = {field.name for field in upload.writable}
    example = create_example(upload.resource).items()
    return {name: value for name, value in example if name in writable}


def _content(row: Mapping[str, Any], example: Mapping[str, Any]) -> dict[str, Any]:
    return {
        JSON.media_type: {"schema": {"type": "array", "items": row}},
        NDJSON.media_type: {
            "schema": _text("One JSON object a line"),
            "example": ndjson_example([example]),
        },
        CSV.media_type: {
            "schema": {**_text("A header of field names, then one row a line"), "minLength": 1},
            "example": csv_example([example]),
        },
    }


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _successes(components: Components, upload: Upload, headers: Sequence[str]) -> dict[str, Any]:
    row = row_reference(upload.resource, components)
    report = report_reference(upload.resource, components, upload.report_members)
    one, created = "The report; of an object, the row that was stored", "The row of an object"
    return {
        "200": json_response(components, one, report, headers),
        "201": json_response(components, created, row, headers),
    }
