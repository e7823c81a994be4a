"""Logging: structured lines on stderr, readable at a terminal and JSON everywhere else.

Values may come from callers and issuers. Whatever is in them, an event stays one line that a
terminal shows as it is: unprintable characters are escaped in both forms. In JSON the escapes are
JSON's own, so no value changes.
"""

import json
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import msgspec
import structlog

from encore.http.caller_fields import escape_unprintable

_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_DELETE: Final = b"\x7f"
"""The only unprintable ASCII character that JSON allows unescaped."""


def configure_logs(level: str, *, readable: bool) -> None:
    """Configure structlog for the process.

    Args:
        level: The lowest level that is written.
        readable: Lines for a terminal instead of JSON.
    """
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if readable:
        console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        rendering: list[Any] = [_escape_values, console]
        factory: Any = structlog.PrintLoggerFactory(sys.stderr)
    else:
        rendering = [structlog.processors.JSONRenderer(serializer=_json)]
        factory = structlog.BytesLoggerFactory(sys.stderr.buffer)
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )


def _escape_values(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape texts of a readable line; the renderer quotes those with spaces and ``=``."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = escape_unprintable(value)
    return event


def _json(event: Any, **_: Any) -> bytes:
    try:
        line = msgspec.json.encode(event)
    except UnicodeEncodeError:  # A lone surrogate, which JSON can only have escaped.
        line = json.dumps(event, default=str).encode()
    if line.isascii() and _DELETE not in line:
        return line
    return _escape(line.decode()).encode()


def _escape(text: str) -> str:
    """Escape the unprintable characters of a JSON text, which are all within strings."""
    if text.isprintable():
        return text
    return "".join(map(escape_unprintable, text))
