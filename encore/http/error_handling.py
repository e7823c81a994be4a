"""Error handling: every exception of a request becomes exactly one response.

Errors of ``encore.errors`` are sent as problem documents (RFC 9457), those of FastAPI and Starlette
likewise; the application's exception handlers override both. Anything else is 500, and logged.
"""

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

_log: Final = structlog.get_logger("encore.http")

_PATH_CHARACTERS: Final = "/:@!$&'()*+,;=~"
"""Characters that a path may contain unescaped (RFC 3986, section 3.3)."""

_ERROR_STATUSES: Final = range(400, 600)
_SUCCESS_STATUSES: Final = range(200, 400)
_VALID_STATUSES: Final = range(200, 1000)
_VALID_HEADER: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""Characters that a header may contain (RFC 9110, section 5.5)."""


class ResponseAborted(Exception):
    """A response ended prematurely; the log line before it has the cause."""


class ErrorHandlingMiddleware:
    """Turns exceptions into responses.

    After the response has started, an exception becomes ``ResponseAborted``: the server closes the
    connection, so that the client does not mistake a partial response for a complete one. The
    exception itself is not passed on, since servers log its message. An exception after the
    complete response, in a background task, is only logged.

    Args:
        app: The next layer.
        handlers: The application's exception handlers; they override problem documents.
    """

    def __init__(self, app: ASGIApp, handlers: Handlers = MappingProxyType({})) -> None:
        self._app = app
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the request; on an exception, send its response."""
        started = finished = False

        async def track(message: Message) -> None:
            nonlocal started, finished
            if not started:
                _check_status(message["status"])
                started = True
            await send(message)
            if message["type"] == "http.response.body":
                finished = not message.get("more_body")

        try:
            await self._app(scope, receive, track)
        except Exception as error:  # noqa: BLE001 - sent or logged by _error_response
            open_send = None if finished else send
            try:
                await self._respond(error, scope, receive, open_send, started=started)
            finally:
                _drop_frames(error)

    async def _respond(
        self, error: Exception, scope: Scope, receive: Receive, send: Send | None, *, started: bool
    ) -> None:
        """Send the response of an error; ``send`` is None if a response was sent completely."""
        response = _error_response(error, scope)
        if send is None:
            return  # A background task failed: the error is in the log.
        if started:
            raise ResponseAborted from None
        handler = find_handler(error, self._handlers) if self._handlers else None
        if handler is not None:
            try:
                response = await call_handler(handler, error, scope, receive)
            except Exception as handler_error:  # noqa: BLE001 - sent as any other error
                response = _error_response(handler_error, scope)
        await response(scope, receive, discard_body(send) if scope["method"] == "HEAD" else send)


def _drop_frames(error: BaseException | None) -> None:
    """Drop the tracebacks of an error, its cause and context.

    Their frames refer to the request, and often to the error: such a cycle would keep an unread
    body, and thereby its connection, until the garbage collector runs.
    """
    while error is not None and error.__traceback__ is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def _error_response(error: Exception, scope: Scope) -> ASGIApp:
    """Return the response to an error; see ``render_error``."""
    if isinstance(error, HTTPException) and error.status_code in _SUCCESS_STATUSES:
        return _success_response(error)
    status, headers, body = render_error(error, scope)

    async def send_problem(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return send_problem


def render_error(error: Exception, scope: Scope) -> tuple[int, list[Header], bytes]:
    """Return status, headers and body of an error; log a failure of the service.

    The reason and the cause are recorded in the request state.
    """
    state = RequestState.from_scope(scope)
    problem = _to_api_error(error)
    state.reason = problem.reason
    state.cause = state.cause or error_code(error)
    is_failure = problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if is_failure and not isinstance(problem, errors.Declined):
        _log_failure(error, state)
    headers, body = _render_problem(problem, scope, state)
    return problem.status, headers, body


def _render_problem(
    problem: errors.ApiError, scope: Scope, state: RequestState
) -> tuple[list[Header], bytes]:
    """Return headers and body of a problem; invalid headers are dropped and logged."""
    valid = {k: v for k, v in problem.headers.items() if _VALID_HEADER.fullmatch(k + v)}
    if len(valid) < len(problem.headers):
        names = sorted(problem.headers.keys() - valid.keys())
        _log.error("invalid headers dropped", request_id=state.request_id, names=names)
        problem.headers = valid
    return problem.render(_instance(scope), state.request_id)


def _check_status(status: Any) -> None:
    """Reject a status that would crash the server's worker. Raises ``ValueError``."""
    if not isinstance(status, int) or status not in _VALID_STATUSES:
        raise ValueError("the status of a response must be an integer from 200 to 999")


def _success_response(error: HTTPException) -> ASGIApp:
    """Return the response to a 2xx or 3xx status; a redirection has no content."""
    redirects = error.status_code >= HTTPStatus.MULTIPLE_CHOICES
    if redirects or not is_body_allowed_for_status_code(error.status_code):
        return Response(status_code=error.status_code, headers=error.headers)
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


def _instance(scope: Scope) -> str:
    """Return the request's path as a URI reference (RFC 9457, section 3.1.5)."""
    return quote(scope["path"], safe=_PATH_CHARACTERS)


def _to_api_error(error: Exception) -> errors.ApiError:
    match error:
        case errors.ApiError():
            return error
        case RequestValidationError():
            return errors.ValidationFailed(
                "Validation error",
                [{"field": str(e["loc"][-1]), "message": e["msg"]} for e in error.errors()],
            )
        case HTTPException() if error.status_code in _ERROR_STATUSES:
            return error_from_http_exception(error)
        case CallerDisconnected() | DatabaseUnavailable():
            return _from_database_error(error)
        case _:
            return errors.InternalError()


def _from_database_error(error: DatabaseError) -> errors.ApiError:
    """Return the API error of a database error, for custom routes that use the database."""
    match error:
        case CallerDisconnected():
            return errors.ClientClosedRequest()
        case DatabaseBusy():
            return errors.Overloaded(reason="database-busy")
        case _:
            retry = {"Retry-After": "1"}
            return errors.ServiceUnavailable("The database cannot serve this now", headers=retry)


def error_from_http_exception(error: HTTPException) -> errors.ApiError:
    """Return the API error of an ``HTTPException``, with its status, detail and headers."""
    detail: Any = error.detail
    if isinstance(detail, str):
        return errors.ApiError.for_status(error.status_code, detail, headers=error.headers)
    problem = errors.ApiError.for_status(error.status_code, headers=error.headers)
    problem.detail = jsonable_encoder(detail)
    return problem


def _log_failure(error: Exception, state: RequestState) -> None:
    """Log an exception's type and frames, but not its message, which may contain SQL."""
    cause = error.__cause__ or error
    frames = []
    trace = cause.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        frames.append(f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    _log.error(
        "request failed",
        request_id=state.request_id,
        error=type(cause).__name__,
        code=state.cause,
        trace=frames,
    )
