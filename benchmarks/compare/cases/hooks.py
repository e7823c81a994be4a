"""Hooks: their order, and what they can do. ``/trace`` tells which ran, and forgets it."""

from benchmarks.compare.cases.case import Case, send

_TRACE = ("/trace",)
_STORED = ("/trace", "/guarded/1", "/trace")
_NEW = {"text": "new", "owner": "me"}
_PUT = {"text": "changed"}

CASES: tuple[Case, ...] = (
    send("a10-order-create", "POST", "/notes", _NEW, then=_TRACE),
    send("a10-order-list", "GET", "/notes", then=_TRACE),
    send("a10-order-read", "GET", "/notes/1", then=_TRACE),
    send("a10-order-update", "PUT", "/notes/1", _PUT, then=_TRACE),
    send("a10-order-delete", "DELETE", "/notes/1", then=_TRACE),
    send("a10-order-missing", "GET", "/notes/99", then=_TRACE),
    send("a10-skip-before", "PUT", "/notes/1", _PUT, do="auth.before=skip", then=_TRACE),
    send("a10-skip-write", "PUT", "/notes/1", _PUT, do="write.before=skip", then=_STORED),
    send("a10-skip-after", "GET", "/notes/1", do="fetch.after=skip", then=_TRACE),
    send("a10-stop", "GET", "/notes/1", do="auth.action=stop", then=_TRACE),
    send("a10-stop-after-write", "PUT", "/notes/1", _PUT, do="write.after=stop", then=_STORED),
    send("a10-refuse", "GET", "/notes/1", do="auth.before=refuse", then=_TRACE),
    send("a10-refuse-after-write", "PUT", "/notes/1", _PUT, do="write.after=refuse", then=_STORED),
    send("a10-fail", "GET", "/notes/1", do="data.before=fail", then=_TRACE),
    send("a10-before-alone", "GET", "/guarded"),
    send("a10-criteria-list", "GET", "/notes", do="fetch.before=criteria"),
    send("a10-criteria-and-filter", "GET", "/notes?text=second", do="fetch.before=criteria"),
    send("a10-criteria-over-filter", "GET", "/notes?owner=bob", do="fetch.before=criteria"),
    send("a10-criteria-twice", "GET", "/notes", do="auth.before=criteria,fetch.before=narrow"),
    send("a10-key-read", "GET", "/notes/1", do="fetch.before=own"),
    send("a10-key-update", "PUT", "/notes/1", _PUT, do="fetch.before=own", then=("/notes/1",)),
    send("a10-criteria-read", "GET", "/notes/2", do="fetch.before=criteria"),
    send("a10-criteria-update", "PUT", "/notes/2", _PUT, do="fetch.before=criteria"),
    send("a10-criteria-delete", "DELETE", "/notes/2", do="fetch.before=criteria"),
    send("a10-attributes-create", "POST", "/notes", _NEW, do="write.before=attributes"),
    send("a10-attributes-early", "POST", "/notes", {}, do="start.before=attributes"),
    send("a10-attributes-update", "PUT", "/notes/1", _PUT, do="write.before=attributes"),
    send("a10-count", "GET", "/notes?count=3", do="fetch.before=count"),
    send("a10-instance", "GET", "/notes/1", do="data.action=instance"),
)
