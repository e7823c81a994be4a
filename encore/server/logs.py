"""Logging: structured lines on stderr, readable at a terminal and JSON for all else.

What our own modules tell the standard library's logging (the keyring, of keys and issuers) becomes
lines of the same form.
"""

import logging
import sys
from typing import Any, Final

import msgspec
import structlog

from encore.http.error_codes import error_code

_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def configure_logs(level: str, *, readable: bool) -> None:
    """Set up structlog for the process.

    Args:
        level: The lowest level that is written.
        readable: For a person at a terminal, rather than JSON for a machine.
    """
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if readable:
        renderer: Any = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        factory: Any = structlog.PrintLoggerFactory(sys.stderr)
    else:
        renderer = structlog.processors.JSONRenderer(serializer=_json)
        factory = structlog.BytesLoggerFactory(sys.stderr.buffer)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    # Not at the root, whose handlers the server sets anew when it starts.
    ours = logging.getLogger("encore")
    ours.handlers = [_Forward()]
    ours.setLevel(_LEVELS[level])
    ours.propagate = False


class _Forward(logging.Handler):
    """Hands the standard library's records to structlog; an exception is named, not shown."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        error = record.exc_info[0] if record.exc_info else None
        given = {"error": error.__name__} if error else {}
        if record.exc_info and (cause := error_code(record.exc_info[1])) is not None:
            given["cause"] = cause
        logger: Any = structlog.get_logger(record.name)
        logger.log(record.levelno, record.getMessage(), logger=record.name, **given)


def _json(event: Any, **_: Any) -> bytes:
    return msgspec.json.encode(event)
