"""Writes entries as a time tracker might: random notations, zones and layouts, and the mapping."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import assume
from hypothesis import strategies as st

ZONES: Final = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Sydney")
UNITS: Final = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1, "milliseconds": 0.001}
DAY: Final = timedelta(days=1)
PROJECTS: Final = {"P-1": "Apollo", "P,2": "Hermes", "P;3": "Zoë's"}


class Worked(NamedTuple):
    """An entry: what was worked, and where."""

    first_name: str
    last_name: str
    project: str
    start: datetime
    seconds: int


@dataclass
class Export:
    """An export, and the mapping that reads it."""

    content: str
    file_format: str
    keys: dict[str, Any]
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def toml(self) -> str:
        """The mapping file."""
        lines = [f"{name} = {json.dumps(value)}" for name, value in self.keys.items()]
        for table, members in self.tables.items():
            lines.append(f"[{table}]")
            lines += [f"{json.dumps(name)} = {json.dumps(v)}" for name, v in members.items()]
        return "\n".join(lines)


def _serial(local: datetime) -> str:
    return repr((local.replace(tzinfo=None) - datetime(1899, 12, 30)) / DAY)  # noqa: DTZ001 - local.


TIMES: Final[Mapping[str, Callable[[datetime], Any]]] = {
    "": lambda local: f"{local:%Y-%m-%d %H:%M:%S}",
    "%d.%m.%Y %H:%M:%S": lambda local: f"{local:%d.%m.%Y %H:%M:%S}",
    "%m/%d/%Y %I:%M:%S %p": lambda local: f"{local:%m/%d/%Y %I:%M:%S %p}",
    "%d-%b-%y %H:%M:%S": lambda local: f"{local:%d-%b-%y %H:%M:%S}",
    "excel": _serial,
    "unix": lambda local: int(local.timestamp()),
    "unix_ms": lambda local: int(local.timestamp()) * 1000,
    "offset": lambda local: local.isoformat(),
    "basic": lambda local: f"{local.astimezone(UTC):%Y%m%dT%H%M%SZ}",
}
"""By ``date_format``; the last two are ISO 8601."""

DURATIONS: Final[Mapping[str, Callable[[int, int, int], str]]] = {
    "clock": lambda h, m, s: f"{h}:{m:02}:{s:02}",
    "ISO": lambda h, m, s: f"PT{h}H{m}M{s}S",
    "letters": lambda h, m, s: f"{h}h {m}m {s}s",
    "German": lambda h, m, s: f"{h} Std. {m} Min. {s} Sek.",
    "minutes": lambda h, m, s: f"{h * 60 + m}:{s:02} min",
}

LOCAL_TIMES: Final = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1))  # noqa: DTZ001 - UTC below.
WORKED: Final = st.builds(
    Worked,
    st.sampled_from(("Ada", "Élodie", "Bo Å", '"Q"')),
    st.sampled_from(("Lund", "Ek, Jr.", "李", "O'Neil; x")),
    st.sampled_from(sorted(PROJECTS)),
    LOCAL_TIMES.map(lambda time: time.replace(tzinfo=UTC, microsecond=0)),
    st.integers(1, 24 * 3600),
)


@st.composite
def exports(draw: st.DrawFn) -> tuple[list[Worked], str, Export]:
    """Return entries, the zone of their days, and their export."""
    entries = draw(st.lists(WORKED, min_size=1, max_size=4))
    zone = draw(st.sampled_from(ZONES))
    form = draw(st.sampled_from(sorted(TIMES)))
    duration = draw(st.sampled_from((*DURATIONS, *UNITS, "end")))
    comma = duration != "end" and draw(st.booleans())
    keys: dict[str, Any] = {"source": "written"}
    if form != "offset":
        keys["time_zone"] = zone
    if form not in {"", "offset", "basic"}:
        keys["date_format"] = draw(st.sampled_from((form, [form], [form, ""])))
    if duration in UNITS:
        keys["unit"] = duration
    if comma:
        keys["decimal_comma"] = True
    rows = [_write(entry, ZoneInfo(zone), form, duration, comma=comma) for entry in entries]
    fields = {
        "user_id": "{First Name} {Last.Name}",
        "date": "Start",
        "project": "Code",
        "end" if duration == "end" else "hours": "End",
    }
    content, file_format = draw(_layouts(rows, keys))
    values: dict[str, Any] = dict(PROJECTS)
    tables: dict[str, dict[str, Any]] = {"fields": fields, "values.project": values}
    tables["skip"] = {"Code": ["Total", "-*"]}
    return entries, zone, Export(content, file_format, keys, tables)


def _write(
    entry: Worked, zone: ZoneInfo, form: str, duration: str, *, comma: bool
) -> dict[str, Any]:
    start = entry.start.astimezone(zone)
    end = (entry.start + timedelta(seconds=entry.seconds)).astimezone(zone)
    for local in (start, end):
        # Of a time that occurs twice, the first is read; a whole serial day is a date.
        assume(not local.fold and (form != "excel" or local.hour))
    written = TIMES[form]
    names = {"First Name": entry.first_name, "Last.Name": entry.last_name, "Code": entry.project}
    return {
        **names,
        "Start": written(start),
        "End": _write_end(entry, written(end), duration, comma),
    }


def _write_end(entry: Worked, end: Any, duration: str, comma: bool) -> Any:  # noqa: FBT001 - private.
    if duration == "end":
        return end
    if duration in UNITS:
        number = f"{entry.seconds / UNITS[duration]:.7f}"
        return number.replace(".", ",") if comma else number
    seconds = entry.seconds
    return DURATIONS[duration](seconds // 3600, seconds // 60 % 60, seconds % 60)


@st.composite
def _layouts(draw: st.DrawFn, rows: list[dict[str, Any]], keys: dict[str, Any]) -> tuple[str, str]:
    """Return the content and its format; set the keys of the layout."""
    total = {**rows[0], "Code": "Total", "Start": "", "End": "99:99"}
    layout = draw(st.sampled_from(("csv", "ndjson", "array", "rows", "nested")))
    if layout == "ndjson":
        return "\n".join(json.dumps(row) for row in [*rows, total]), "ndjson"
    if layout == "array":
        return json.dumps([*rows, total]), "json"
    if layout == "rows":
        keys["rows"] = "data.items"
        return json.dumps({"meta": {"n": 1}, "data": {"items": [*rows, total]}}), "json"
    if layout == "nested":
        # Each row's project is a member of the object around it.
        keys["rows"] = "projects.*.entries"
        projects = {
            str(n): {"Code": row.pop("Code"), "entries": [row]} for n, row in enumerate(rows)
        }
        return json.dumps({"projects": projects}), "json"
    keys["delimiter"] = draw(st.sampled_from((",", ";", "\t", "|")))
    lines = io.StringIO()
    if draw(st.booleans()):
        keys["header"] = 3
        lines.write("Report\n\n")
    writer = csv.DictWriter(lines, [*rows[0], "Notes"], delimiter=keys["delimiter"], restval="a\nb")
    writer.writeheader()
    writer.writerows([*rows, total])
    return lines.getvalue(), "csv"
