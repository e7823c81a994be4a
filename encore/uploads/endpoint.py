"""The endpoint of an upload: the ASGI application that runs it, and its OpenAPI description.

The body is spooled before anything of the database is taken. Its rows are read and staged without
any lock; only the merge, if it is going to write, has the table to itself. When the caller leaves,
all of it ends, also waiting for a turn, and nothing is written unless the commit was under way.
"""

from collections.abc import Sequence
from typing import Any, Final

from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from encore.database.errors import DatabaseError
from encore.database.protocol import Database
from encore.endpoints.openapi import problems
from encore.endpoints.schemas import create_schema, read_schema
from encore.errors import ApiError
from encore.execution.actions import JSON_ONLY
from encore.execution.context import Context
from encore.execution.error_mapping import map_database_error
from encore.execution.unit_of_work import UnitOfWork
from encore.http.disconnect import while_connected
from encore.http.media_types import check_accept
from encore.http.preconditions import check_preconditions
from encore.http.request_state import RequestState
from encore.uploads.formats import CSV, JSON, NDJSON
from encore.uploads.handler import UploadHandler
from encore.uploads.hooks import UploadContext
from encore.uploads.idempotency import IdempotentRequest
from encore.uploads.request import PARAMETERS, SpooledBody, UploadRequest
from encore.uploads.responses import NOTHING_WRITTEN, UploadResponse
from encore.uploads.staging_table import STATUSES
from encore.uploads.upload import Upload


class UploadOperation:
    """What the endpoint of an upload does: an ASGI application.

    Attributes:
        access: What it asks of a token.
        name: Its name in OpenAPI.
    """

    def __init__(self, upload: Upload, database: Database) -> None:
        self.access = upload.access
        self.name = f"upload_{upload.resource.slug}"
        self._upload = upload
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the body in, do what it says, and answer."""
        upload = self._upload
        check_accept(scope, JSON_ONLY)
        check_preconditions(scope)
        request = UploadRequest.of(scope)
        context = UploadContext(upload.resource, RequestState.from_scope(scope), request)
        for hook in upload.starts:
            hook(context)
        with SpooledBody() as body:
            await body.receive(scope, receive, upload.limit)
            serving = self._serve(context, body, scope, send)
            await while_connected(receive, serving, interrupt=body.stop)

    async def _serve(
        self, context: UploadContext, body: SpooledBody, scope: Scope, send: Send
    ) -> None:
        """Do what the body says and answer, while the caller is there."""
        try:
            answer = await self._answer(context, body)
        except DatabaseError as error:
            failure = await self._diagnosed(error, scope)
            raise _telling(failure, context.written) from error
        except ApiError as failure:
            raise _telling(failure, context.written) from failure.__cause__
        await answer.send(send)

    async def _answer(self, context: UploadContext, body: SpooledBody) -> UploadResponse:
        upload = self._upload
        ticket = None
        if upload.keys is not None:
            ticket = IdempotentRequest.of(context, body, upload.path)
        if upload.keys is not None and ticket is not None:
            async with self._database.reading() as connection:
                answer = await upload.keys.find(connection, ticket)
            if answer is not None:
                return answer
        run = None
        try:
            async with self._database.bulk() as bulk, bulk.temporary(upload.stage.table):
                run = UploadHandler(upload, context, bulk, body, ticket)
                return await run.answer()
        except BaseException:  # Cancelled while it is put back, after the answer was made.
            if run is not None:
                run.close()
            raise

    async def _diagnosed(self, error: DatabaseError, scope: Scope) -> Exception:
        unit = UnitOfWork(self._database, writes=True, single=False)
        context = Context(self._upload.resource, "create", scope, unit)
        return await map_database_error(error, context, self._database)


def _telling(failure: Exception, written: str) -> Exception:
    """Have the refusal of an upload say what is stored all the same, and ask for no repetition."""
    if isinstance(failure, ApiError) and written:
        message = failure.message.removesuffix(f": {NOTHING_WRITTEN}")
        failure.message = failure.detail = f"{message}; {written}"
        failure.headers.pop("Retry-After", None)
    return failure


_SAYS: Final = {
    "mode": "atomic: one rejected row refuses all; partial: the others are written",
    "dry_run": "Tell what would become of the rows, and write nothing",
    "report": "Which rows the report lists",
}
_PROBLEMS: Final = (400, 401, 403, 406, 409, 412, 413, 415, 422, 503)
_ERROR: Final = {
    "type": "object",
    "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
    "required": ["field", "message"],
}


def described(upload: Upload, name: str) -> APIRoute:
    """Make the FastAPI route that describes an upload."""
    resource = upload.resource

    def endpoint() -> None:
        """Take rows in: one as a JSON object, or many as a JSON array, NDJSON or CSV.

        A row whose natural key is known changes the stored one, any other makes a new one.
        """

    row = _inline(create_schema(resource).model_json_schema())
    return APIRoute(
        upload.path,
        endpoint,
        methods=["POST"],
        status_code=200,
        tags=[resource.slug],
        summary=f"Upload {resource.slug}",
        operation_id=f"post_{name}",
        responses=problems(_PROBLEMS),
        openapi_extra={
            "parameters": _parameters(has_keys=upload.keys is not None),
            "requestBody": {"required": True, "content": _content(row)},
            "responses": _answers(_inline(read_schema(resource).model_json_schema())),
        },
        name=name,
    )


def _parameters(*, has_keys: bool) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "query",
            "description": _SAYS[name],
            "schema": {"type": "string", "enum": list(values), "default": values[0]},
        }
        for name, values in PARAMETERS.items()
    ]
    if has_keys:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "The same key and request again get the same answer, for 24 hours",
                "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
            }
        )
    return parameters


def _content(row: dict[str, Any]) -> dict[str, Any]:
    text = {"type": "string"}
    return {
        JSON.media_type: {"schema": {"anyOf": [row, {"type": "array", "items": row}]}},
        NDJSON.media_type: {"schema": {**text, "description": "One JSON object a line"}},
        CSV.media_type: {"schema": {**text, "description": "A header of names, then rows"}},
    }


def _answers(row: dict[str, Any]) -> dict[str, Any]:
    stored = {**row, "properties": {**row["properties"], "message": {"type": "string"}}}
    one = {"description": "The one row, made", "content": _json(stored)}
    many = {"description": "What became of each row", "content": _json(_report(stored))}
    return {"200": many, "201": one}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _report(stored: dict[str, Any]) -> dict[str, Any]:
    """Describe the report, or the one row where that was known already."""
    row = {
        "line": {"type": "integer"},
        "status": {"type": "string", "enum": list(STATUSES)},
        "id": {"type": "integer"},
        "errors": {"type": "array", "items": _ERROR},
    }
    report = {
        **{status: {"type": "integer"} for status in STATUSES},
        "mode": {"type": "string", "enum": list(PARAMETERS["mode"])},
        "dry_run": {"type": "boolean"},
        "rows": {"type": "array", "items": _object(row, ["line", "status"])},
    }
    return {"anyOf": [_object(report, list(report)), stored]}


def _object(properties: dict[str, Any], required: Sequence[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _inline(schema: dict[str, Any]) -> dict[str, Any]:
    """Give a schema to stand where it is used, so that it needs no name of its own."""
    return {name: value for name, value in schema.items() if name != "title"}
