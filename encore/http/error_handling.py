"""The boundary that turns every failure of a request into its one response."""

import re
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

import structlog
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.utils import is_body_allowed_for_status_code
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from encore import errors
from encore.database.errors import (
    CallerDisconnected,
    DatabaseBusy,
    DatabaseError,
    DatabaseUnavailable,
)
from encore.http.error_codes import error_code
from encore.http.exception_handlers import Handlers, call_handler, find_handler
from encore.http.framework_routes import discard_body
from encore.http.request_state import Header, RequestState

log: Any = structlog.get_logger("encore")

_PATH: Final = "/:@!$&'()*+,;=~"
"""What may stand in a path as it is (RFC 3986, section 3.3)."""

_NO_STATUS: Final = 600
_NO_ERRORS: Final = range(200, 400)
_STATUSES: Final = range(200, 1000)
_SENDABLE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""What may stand in a header (RFC 9110, section 5.5)."""


class ResponseAborted(Exception):
    """A response ended before its end; the log line before it says why."""


class ErrorHandlingMiddleware:
    """Lets nothing but responses out.

    An exception after the response has begun cannot be told any more: ``ResponseAborted`` goes on
    to the server, which cuts the connection, so that the caller does not take a part for the
    whole. The exception itself stays here, since servers log its text. One after the whole
    response, in a background task, is logged.

    Args:
        app: The next layer.
        handlers: The application's own exception handlers; they go before problem documents.
    """

    def __init__(self, app: ASGIApp, handlers: Handlers = MappingProxyType({})) -> None:
        self._app = app
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or answer for what went wrong."""
        started = finished = False

        async def watch(message: Message) -> None:
            nonlocal started, finished
            if not started:
                _check_status(message["status"])
                started = True
            await send(message)
            if message["type"] == "http.response.body":
                finished = not message.get("more_body")

        try:
            await self._app(scope, receive, watch)
        except Exception as error:  # noqa: BLE001 - answered, or logged by _answer_to
            rest = None if finished else send
            try:
                await self._respond(error, scope, receive, rest, started=started)
            finally:
                _drop_frames(error)

    async def _respond(
        self, error: Exception, scope: Scope, receive: Receive, send: Send | None, *, started: bool
    ) -> None:
        """Answer for an error; ``send`` is None where the response is over."""
        answer = _answer_to(error, scope)
        if send is None:
            return  # What runs behind the response: there is nobody left to tell.
        if started:
            raise ResponseAborted from None
        handler = find_handler(error, self._handlers) if self._handlers else None
        if handler is not None:
            try:
                answer = await call_handler(handler, error, scope, receive)
            except Exception as another:  # noqa: BLE001 - answered as any other failure
                answer = _answer_to(another, scope)
        await answer(scope, receive, discard_body(send) if scope["method"] == "HEAD" else send)


def _drop_frames(error: BaseException | None) -> None:
    """Drop the frames that an error, its cause and context went through.

    They hold the request, and what they hold often holds the error: such a cycle would keep an
    unread body, and thereby its connection, until the garbage collector comes.
    """
    while error is not None and error.__traceback__ is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def _answer_to(error: Exception, scope: Scope) -> ASGIApp:
    """Return the response to an error, noting its reason; a defect of ours is logged."""
    state = RequestState.from_scope(scope)
    if isinstance(error, HTTPException) and error.status_code in _NO_ERRORS:
        return _no_error(error)
    problem = _problem_of(error)
    state.reason = problem.reason
    state.cause = state.cause or error_code(error)
    is_failure = problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if is_failure and not isinstance(problem, errors.Declined):
        _log(error, state)

    headers, body = _rendered(problem, scope, state)

    async def send_problem(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return send_problem


def _rendered(
    problem: errors.ApiError, scope: Scope, state: RequestState
) -> tuple[list[Header], bytes]:
    """Render a problem; headers that no server can send are left out."""
    sendable = {k: v for k, v in problem.headers.items() if _SENDABLE.fullmatch(k + v)}
    if len(sendable) < len(problem.headers):
        names = sorted(problem.headers.keys() - sendable.keys())
        log.error("invalid headers left out", request_id=state.request_id, names=names)
        problem.headers = sendable
    return problem.render(_instance(scope), state.request_id)


def _check_status(status: Any) -> None:
    """Refuse a status that ends the server's worker. Raises ``ValueError``."""
    if not isinstance(status, int) or status not in _STATUSES:
        raise ValueError("the status of a response must be an integer from 200 to 999")


def _no_error(error: HTTPException) -> ASGIApp:
    """Return the response to a status that is no error; a redirection has no content."""
    redirects = error.status_code >= HTTPStatus.MULTIPLE_CHOICES
    if redirects or not is_body_allowed_for_status_code(error.status_code):
        return Response(status_code=error.status_code, headers=error.headers)
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


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
            return error_from_http_exception(error)
        case CallerDisconnected() | DatabaseUnavailable():
            return _problem_of_database(error)
        case _:
            return errors.InternalError()


def _problem_of_database(error: DatabaseError) -> errors.ApiError:
    """Return the problem of a route of the application's own that uses the database itself."""
    match error:
        case CallerDisconnected():
            return errors.ClientClosedRequest()
        case DatabaseBusy():
            return errors.Overloaded(reason="database-busy")
        case _:
            retry = {"Retry-After": "1"}
            return errors.ServiceUnavailable("The database cannot serve this now", headers=retry)


def error_from_http_exception(error: HTTPException) -> errors.ApiError:
    """Return the problem of FastAPI's own exception: status, detail and headers stay."""
    detail: Any = error.detail
    if isinstance(detail, str):
        return errors.ApiError.for_status(error.status_code, detail, headers=error.headers)
    problem = errors.ApiError.for_status(error.status_code, headers=error.headers)
    problem.detail = jsonable_encoder(detail)
    return problem


def _log(error: Exception, state: RequestState) -> None:
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
        request_id=state.request_id,
        error=type(cause).__name__,
        code=state.cause,
        trace=frames,
    )
