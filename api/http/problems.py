"""The boundary that turns every failure of a request into its one response."""

from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

import structlog
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from api.http.exchange import Exchange
from api.http.handlers import Handlers, handler_of, response_of
from api.http.native import without_body
from db.errors import DatabaseError

log: Any = structlog.get_logger("api")

_PATH: Final = "/:@!$&'()*+,;=~"
"""What may stand in a path as it is (RFC 3986, section 3.3)."""

_NO_STATUS: Final = 600


class ProblemBoundary:
    """Lets nothing but responses out.

    An exception after the response has begun cannot be told any more; it goes on to the server,
    which cuts the connection, so that the caller does not take a part for the whole.

    Args:
        app: The next layer.
        handlers: The application's own exception handlers; they go before problem documents.
    """

    def __init__(self, app: ASGIApp, handlers: Handlers = MappingProxyType({})) -> None:
        self._app = app
        self._handlers = handlers

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
            answer = _answer_to(error, scope)
            if started:
                raise
            handler = handler_of(error, self._handlers) if self._handlers else None
            if handler is not None:
                try:
                    answer = await response_of(handler, error, scope, receive)
                except Exception as another:  # noqa: BLE001 - answered as any other failure
                    answer = _answer_to(another, scope)
            await answer(scope, receive, without_body(send) if scope["method"] == "HEAD" else send)


def _answer_to(error: Exception, scope: Scope) -> ASGIApp:
    """Return the response to an error, noting its reason; a defect of ours is logged."""
    exchange = Exchange.of(scope)
    if isinstance(error, HTTPException) and error.status_code < HTTPStatus.BAD_REQUEST:
        return Response(status_code=error.status_code, headers=error.headers)  # A redirection.
    problem = _problem_of(error)
    exchange.reason = problem.reason
    exchange.cause = exchange.cause or _database_code(error)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log(error, exchange)

    async def send_problem(scope: Scope, _: Receive, send: Send) -> None:
        headers, body = problem.render(_instance(scope), exchange.request_id)
        await send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return send_problem


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
        case HTTPException() if HTTPStatus.BAD_REQUEST <= error.status_code < _NO_STATUS:
            return _of_http(error)
        case _:
            return errors.InternalError()


def _of_http(error: HTTPException) -> errors.ApiError:
    """Return the problem of FastAPI's own exception: status, detail and headers stay."""
    detail: Any = error.detail
    if isinstance(detail, str):
        return errors.ApiError.of(error.status_code, detail, headers=error.headers)
    problem = errors.ApiError.of(error.status_code, headers=error.headers)
    problem.detail = jsonable_encoder(detail)
    return problem


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
