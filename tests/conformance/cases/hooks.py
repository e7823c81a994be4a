"""Hooks: their order, and what they can do. ``/trace`` returns which ran, and clears the list."""

from typing import Final

from tests.conformance.case import Case, send

_TRACE = ("/trace",)
_STORED = ("/trace", "/guarded/1", "/trace")
_NEW = {"text": "new", "owner": "me"}
_PUT = {"text": "changed"}

CASES: Final[tuple[Case, ...]] = (
    send("a10-order-create", "POST", "/notes", _NEW, then=_TRACE),
    send("a10-order-list", "GET", "/notes", then=_TRACE),
    send("a10-order-read", "GET", "/notes/1", then=_TRACE),
    send("a10-order-update", "PUT", "/notes/1", _PUT, then=_TRACE),
    send("a10-order-delete", "DELETE", "/notes/1", then=_TRACE),
    send("a10-order-missing", "GET", "/notes/99", then=_TRACE),
    send("a10-skip-before", "PUT", "/notes/1", _PUT, hooks="auth.before=skip", then=_TRACE),
    send("a10-skip-write", "PUT", "/notes/1", _PUT, hooks="write.before=skip", then=_STORED),
    send("a10-skip-after", "GET", "/notes/1", hooks="fetch.after=skip", then=_TRACE),
    send("a10-stop", "GET", "/notes/1", hooks="auth.action=stop", then=_TRACE),
    send("a10-stop-after-write", "PUT", "/notes/1", _PUT, hooks="write.after=stop", then=_STORED),
    send("a10-refuse", "GET", "/notes/1", hooks="auth.before=refuse", then=_TRACE),
    send(
        "a10-refuse-after-write", "PUT", "/notes/1", _PUT, hooks="write.after=refuse", then=_STORED
    ),
    send("a10-fail", "GET", "/notes/1", hooks="data.before=fail", then=_TRACE),
    send("a10-before-alone", "GET", "/guarded"),
    send("a10-criteria-list", "GET", "/notes", hooks="fetch.before=criteria"),
    send("a10-criteria-and-filter", "GET", "/notes?text=second", hooks="fetch.before=criteria"),
    send("a10-criteria-over-filter", "GET", "/notes?owner=bob", hooks="fetch.before=criteria"),
    send("a10-criteria-twice", "GET", "/notes", hooks="auth.before=criteria,fetch.before=narrow"),
    send("a10-key-read", "GET", "/notes/1", hooks="fetch.before=own"),
    send("a10-key-update", "PUT", "/notes/1", _PUT, hooks="fetch.before=own", then=("/notes/1",)),
    send("a10-criteria-read", "GET", "/notes/2", hooks="fetch.before=criteria"),
    send("a10-criteria-update", "PUT", "/notes/2", _PUT, hooks="fetch.before=criteria"),
    send("a10-criteria-delete", "DELETE", "/notes/2", hooks="fetch.before=criteria"),
    send("a10-attributes-create", "POST", "/notes", _NEW, hooks="write.before=attributes"),
    send("a10-attributes-early", "POST", "/notes", {}, hooks="start.before=attributes"),
    send("a10-attributes-update", "PUT", "/notes/1", _PUT, hooks="write.before=attributes"),
    send("a10-count", "GET", "/notes?count=3", hooks="fetch.before=count"),
    send("a10-instance", "GET", "/notes/1", hooks="data.action=instance"),
)
