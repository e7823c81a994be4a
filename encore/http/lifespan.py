"""Start and end of an application, told to the server.

Starlette reports a failure with its whole traceback, which the server writes to its own log: the
text of an error of the database or of the system may hold a path, SQL or values. Of these, type
and cause are told. Others, such as a route without access, are mistakes of the application's
author; their text stays.
"""

import sys

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from encore.http.error_codes import error_code


async def run_lifespan(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Run an application from its start to its end."""
    told = False

    async def tell(message: Message) -> None:
        nonlocal told
        error = sys.exc_info()[1]  # Starlette sends from within its handler.
        if message["type"].endswith(".failed") and (cause := error_code(error)) is not None:
            told = True
            message = {**message, "message": f"{type(error).__name__}: {cause}"}
        await send(message)

    try:
        await app(scope, receive, tell)
    except Exception:
        if not told:  # Else the server would write its traceback.
            raise
