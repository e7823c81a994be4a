"""The ASGI lifespan of an application: start-up and shutdown, without secrets in failures.

Starlette reports a failure with its whole traceback, which the server writes to its own log: the
message of a database or system error may contain a path, SQL or values. Only their type and code
are reported. Other errors, such as a route without access, are mistakes of the application's
author; they are reported in full.
"""

import sys

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from encore.http.error_codes import error_code


async def run_lifespan(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Run the lifespan of an application."""
    reported = False

    async def report(message: Message) -> None:
        nonlocal reported
        error = sys.exc_info()[1]  # Starlette sends from within its exception handler.
        if message["type"].endswith(".failed") and (code := error_code(error)) is not None:
            reported = True
            message = {**message, "message": f"{type(error).__name__}: {code}"}
        await send(message)

    try:
        await app(scope, receive, report)
    except Exception:
        if not reported:  # Otherwise the server would log its traceback.
            raise
