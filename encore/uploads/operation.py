"""The operation: one upload from request to answer.

The body is spooled before anything of the database is taken. Its rows are read and staged without
any lock; only the merge, if it is going to write, has the table to itself. When the caller leaves,
all of it ends, also waiting for a turn, and nothing is written unless the commit was under way.
"""

from starlette.types import Receive, Scope, Send

from encore.database.errors import DatabaseError
from encore.database.protocol import Database
from encore.errors import ApiError
from encore.execution.actions import JSON_ONLY
from encore.execution.context import Context
from encore.execution.error_mapping import map_database_error
from encore.execution.unit_of_work import UnitOfWork
from encore.http.disconnect import while_connected
from encore.http.media_types import check_accept
from encore.http.preconditions import check_preconditions
from encore.http.request_state import RequestState
from encore.uploads.context import UploadContext
from encore.uploads.handler import UploadHandler
from encore.uploads.idempotency import IdempotentRequest
from encore.uploads.request import UploadRequest
from encore.uploads.responses import NOTHING_WRITTEN, UploadResponse
from encore.uploads.spool import SpooledBody
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
