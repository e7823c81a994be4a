"""Answers, made comparable: what may differ by nature is taken out, all else must be equal.

The time of a write becomes a word, if it has Sequelize's form; the members of a problem document
that Finale does not know are left out, as is the row of the link table that Finale embeds (but for
cases that are exact); ``Allow`` is a set.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.compare.cases.case import Case
from benchmarks.exchange import Answer

HEADERS: Final = ("content-range", "location", "allow")
_FIRST_ERROR: Final = 400
_TIME: Final = re.compile(r"20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_THROUGH: Final = "bookTag"
_STAMPS: Final = ("createdAt", "updatedAt")


def differences(case: Case, theirs: Sequence[Answer], ours: Sequence[Answer]) -> tuple[str, ...]:
    """Name what differs: ``status 200/400``, ``body``; ``2: body`` for the second request."""
    found = []
    for number, (their, our) in enumerate(zip(theirs, ours, strict=True), start=1):
        place = f"{number}: " if number > 1 else ""
        found += [place + what for what in _between(case, their, our)]
    return tuple(found)


def _between(case: Case, their: Answer, our: Answer) -> list[str]:
    found = []
    if their.status != our.status:
        found.append(f"status {their.status}/{our.status}")
    found += [
        name
        for name in (*HEADERS, *case.headers)
        if _header(name, their.headers) != _header(name, our.headers)
    ]
    make = _exact if case.exact else body_of
    if make(their) != make(our):
        found.append("body")
    return found


def _header(name: str, headers: Mapping[str, str]) -> Any:
    value = headers.get(name)
    if value is None:
        return None
    if name == "allow":
        return {verb.strip() for verb in value.split(",")}
    return value.partition(";")[0] if name == "content-type" else value


def body_of(answer: Answer) -> Any:
    """Give the body in a form that can be compared."""
    try:
        body = json.loads(answer.body) if answer.body else None
    except ValueError:
        return answer.body.decode(errors="replace")
    if answer.status >= _FIRST_ERROR and isinstance(body, dict):
        return {name: body.get(name) for name in ("message", "errors")}
    return _timeless(body)


def _exact(answer: Answer) -> Any:
    return json.loads(answer.body)


def _timeless(value: Any) -> Any:
    if isinstance(value, list):
        return [_timeless(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: "now" if name in _STAMPS and _is_now(inner) else _timeless(inner)
        for name, inner in value.items()
        if name != _THROUGH
    }


def _is_now(value: Any) -> bool:
    return isinstance(value, str) and bool(_TIME.fullmatch(value))
