"""The boundary that turns every failure of a request into its one response."""

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from api.http.exchange import Exchange
from db.errors import DatabaseError

log: Any = structlog.get_logger("api")

_PATH: Final = "/:@!$&'()*+,;=~"
"""What may stand in a path as it is (RFC 3986, section 3.3)."""

_BY_STATUS: Final[dict[int, type[errors.ApiError]]] = {
    kind.status: kind
    for kind in (
        errors.BadRequest,
        errors.Unauthorized,
        errors.Forbidden,
        errors.NotFound,
        errors.MethodNotAllowed,
        errors.Conflict,
        errors.PayloadTooLarge,
        errors.UnsupportedMediaType,
        errors.TooManyRequests,
        errors.ServiceUnavailable,
    )
}


class ProblemBoundary:
    """Lets nothing but responses out.

    An exception after the response has begun cannot be told any more; it goes on to the server,
    which cuts the connection, so that the caller does not take a part for the whole.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or answer for what went wrong."""
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            exchange = Exchange.of(scope)
            problem = _problem_of(error)
            exchange.reason = problem.reason
            exchange.cause = exchange.cause or _database_code(error)
            if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                _log(error, exchange)
            if started:
                raise
            headers, body = problem.render(_instance(scope), exchange.request_id)
            await send(
                {"type": "http.response.start", "status": problem.status, "headers": headers}
            )
            body = b"" if scope["method"] == "HEAD" else body
            await send({"type": "http.response.body", "body": body})


def _instance(scope: Scope) -> str:
    """Give the path that was asked for, as a URI reference (RFC 9457, section 3.1.5)."""
    return quote(scope["path"], safe=_PATH)


def _problem_of(error: Exception) -> errors.ApiError:
    match error:
        case errors.ApiError():
            return error
        case RequestValidationError():
            return errors.ValidationFailed(
                "Validation error",
                [{"field": str(e["loc"][-1]), "message": e["msg"]} for e in error.errors()],
            )
        case HTTPException() if error.status_code in _BY_STATUS:
            return _BY_STATUS[error.status_code](str(error.detail), headers=error.headers)
        case _:
            return errors.InternalError()


def _log(error: Exception, exchange: Exchange) -> None:
    """Tell the log what happened and where; texts of exceptions may hold SQL, so not those."""
    cause = error.__cause__ or error
    frames = []
    trace = cause.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        frames.append(f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    log.error(
        "request failed",
        request_id=exchange.request_id,
        error=type(cause).__name__,
        code=exchange.cause,
        trace=frames,
    )


def _database_code(error: Exception) -> str | None:
    """Return the database's code, if this error is the database's or was raised from one."""
    for one in (error, error.__cause__):
        if isinstance(one, DatabaseError):
            return one.code
    return None
