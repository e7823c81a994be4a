"""Date formats in the syntax of ``strptime``, compiled to regular expressions.

Differences to ``datetime.strptime``: month names, weekdays and AM/PM are English, whatever the
locale of the machine; what ``strptime`` ignores is checked (a weekday, the name of a time zone, AM
beside a 24-hour clock); numbers that follow each other directly have all their digits; ``24:00`` is
the next day's midnight. A format without a whole date is rejected when it is compiled.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Final

from client.importing.notations.date_numbers import NUMBER_PARSERS
from client.importing.notations.iso_dates import OFFSET, ParsedDate, combine, parse_offset

_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ABBREVIATION: Final = 3

_NUMBERS: Final[Mapping[str, tuple[str, str]]] = {
    "Y": ("[0-9]{4}", "[0-9]{4}"),
    "y": ("[0-9]{2}", "[0-9]{2}"),
    "m": ("[0-9]{1,2}", "[0-9]{2}"),
    "d": ("[0-9]{1,2}", "[0-9]{2}"),
    "j": ("[0-9]{1,3}", "[0-9]{3}"),
    "H": ("[0-9]{1,2}", "[0-9]{2}"),
    "I": ("[0-9]{1,2}", "[0-9]{2}"),
    "M": ("[0-9]{1,2}", "[0-9]{2}"),
    "S": ("[0-9]{1,2}", "[0-9]{2}"),
    "f": ("[0-9]{1,9}", "[0-9]{6}"),
    "G": ("[0-9]{4}", "[0-9]{4}"),
    "V": ("[0-9]{1,2}", "[0-9]{2}"),
    "u": ("[1-7]", "[1-7]"),
}
"""The pattern of each number: alone, and directly beside another digit."""


def _names(names: Sequence[str], *more: str) -> dict[str, int]:
    """Return the number of each name and abbreviation."""
    numbers = {name: number for number, name in enumerate(names, 1)}
    return (
        numbers
        | {name[:_ABBREVIATION]: number for name, number in numbers.items()}
        | {name: numbers[other] for name, other in (pair.split("=") for pair in more)}
    )


_MONTH_NUMBERS: Final = _names(_MONTHS, "sept=september")
_WEEKDAY_NUMBERS: Final = _names(_WEEKDAYS, "tues=tuesday", "thur=thursday", "thurs=thursday")

_WORDS: Final[Mapping[str, str]] = {
    "b": "|".join(sorted(_MONTH_NUMBERS, key=len, reverse=True)),
    "a": "|".join(sorted(_WEEKDAY_NUMBERS, key=len, reverse=True)),
    "p": r"[ap]\.? ?m\.?",
    "z": OFFSET,
    "Z": "[A-Za-z][A-Za-z0-9+/_-]*",
    "%": "%",
}
_SAME: Final[Mapping[str, str]] = {"B": "b", "h": "b", "A": "a", "e": "d"}
_EXPANDED: Final[Mapping[str, str]] = {
    "%c": "%a %b %d %H:%M:%S %Y",
    "%x": "%m/%d/%y",
    "%D": "%m/%d/%y",
    "%F": "%Y-%m-%d",
    "%X": "%H:%M:%S",
    "%T": "%H:%M:%S",
    "%R": "%H:%M",
}
_TOKEN: Final = re.compile(r"%[-#]?(.)|([^%]+)|%", re.DOTALL)
_NOON: Final = 12
_FIRST_TWO_DIGIT_YEAR: Final = 69


def check_date_format(name: str) -> None:
    """Validate a ``date_format`` of a mapping.

    Raises:
        ValueError: It is invalid, with the format and the reason.
    """
    if name and name not in NUMBER_PARSERS:
        DateFormat(name)


class DateFormat:
    """Parses dates of one format.

    Args:
        format_: In the syntax of ``strptime``.

    Raises:
        ValueError: It has an unsupported code, or lacks a part of the date, with the format and the
            reason.
    """

    def __init__(self, format_: str) -> None:
        try:
            self._compile(format_)
        except ValueError as error:
            raise ValueError(f"{format_!r} {error}") from error

    def _compile(self, format_: str) -> None:
        for code, expanded in _EXPANDED.items():
            format_ = format_.replace(code, expanded)
        tokens = _tokens(" ".join(format_.split()))
        self._codes = [code for code, _ in tokens if code and code != "%"]
        _check_codes(self._codes)
        self._pattern = re.compile(_pattern(tokens), re.IGNORECASE | re.ASCII)
        self.has_time = not {"H", "I"}.isdisjoint(self._codes)

    def fits(self, text: str) -> bool:
        """Return whether a text has this format, even if there is no such date: 31.02.2026."""
        return self._pattern.fullmatch(text) is not None

    def parse(self, text: str) -> ParsedDate | None:
        """Return what a text says; None if it does not have this format.

        Args:
            text: Without spaces around it, and with single spaces.

        Raises:
            ValueError: It contradicts itself, with a reason.
        """
        match = self._pattern.fullmatch(text)
        if not match:
            return None
        values = dict(zip(self._codes, match.groups(), strict=True))
        try:
            day = _parse_day(values)
            local = _parse_time(day, values) if self.has_time else datetime.combine(day, time())
            zone = parse_offset(values["z"]) if "z" in values else None
        except (ValueError, OverflowError):
            return None
        if "a" in values and _WEEKDAY_NUMBERS[values["a"].lower()] != day.isoweekday():
            weekday = _WEEKDAYS[day.weekday()].capitalize()
            raise ValueError(f"{day} is a {weekday}, not {values['a']}")
        if "Z" in values:
            if values["Z"].upper() not in {"Z", "UTC", "GMT"}:
                raise ValueError(
                    f"only UTC and GMT are understood, not {values['Z']} (name the zone with"
                    " time_zone in the mapping, and write it into date_format as it is)"
                )
            zone = parse_offset("Z")
        return ParsedDate(local.replace(tzinfo=zone) if zone else local, self.has_time)


def _tokens(format_: str) -> list[tuple[str, str]]:
    """Return codes, each with an empty string, and literal texts, each with an empty code."""
    tokens = []
    for match in _TOKEN.finditer(format_):
        code = _SAME.get(match[1], match[1]) if match[1] else ""
        if code == "s":
            raise ValueError('contains %s: write "unix" for seconds since 1970')
        if not match[2] and code not in _NUMBERS and code not in _WORDS:
            raise ValueError(f"contains {match[0]}, which is not supported")
        tokens.append((code, match[2] or ""))
    return tokens


def _check_codes(codes: list[str]) -> None:
    present = set(codes)
    if len(present) < len(codes):
        raise ValueError("contains a part of the date twice")
    year = present & {"Y", "y"}
    if not (year and (present >= {"d", "m"} or present >= {"d", "b"} or "j" in present)) and not (
        present >= {"G", "V"} and present & {"u", "a"}
    ):
        raise ValueError("must contain day, month and year")
    for together in ({"Y", "y"}, {"m", "b"}, {"H", "I"}, {"z", "Z"}):
        if present >= together:
            raise ValueError(f"contains both {' and '.join(f'%{c}' for c in sorted(together))}")
    if ("I" in present) != ("p" in present):
        raise ValueError("must contain %I and %p together: AM or PM belongs to a 12-hour clock")
    if present & {"M", "S", "f"} and not present & {"H", "I"}:
        raise ValueError("contains minutes without an hour")
    if ("S" in present and "M" not in present) or ("f" in present and "S" not in present):
        raise ValueError("contains seconds without minutes, or a fraction without seconds")


def _pattern(tokens: list[tuple[str, str]]) -> str:
    patterns = []
    for index, (code, literal) in enumerate(tokens):
        if code in _NUMBERS:
            before = tokens[index - 1] if index else ("", " ")
            after = tokens[index + 1] if index + 1 < len(tokens) else ("", " ")
            beside = (
                before[0] in _NUMBERS
                or before[1][-1:].isdigit()
                or after[0] in _NUMBERS
                or after[1][:1].isdigit()
            )
            patterns.append(f"({_NUMBERS[code][beside]})")
        elif code == "%":
            patterns.append("%")
        elif code:
            patterns.append(f" ?({_WORDS[code]})" if code in "pz" else f"({_WORDS[code]})")
        else:
            beside_word = index + 1 < len(tokens) and tokens[index + 1][0] in {"p", "z"}
            patterns.append(re.escape(literal.rstrip() if beside_word else literal))
    return "".join(patterns)


def _parse_day(values: Mapping[str, str]) -> date:
    if "G" in values:
        weekday = values.get("u") or _WEEKDAY_NUMBERS[values["a"].lower()]
        return date.fromisocalendar(int(values["G"]), int(values["V"]), int(weekday))
    if "Y" in values:
        year = int(values["Y"])
    else:
        short = int(values["y"])
        year = short + (1900 if short >= _FIRST_TWO_DIGIT_YEAR else 2000)
    if "j" in values:
        day = date.fromordinal(date(year, 1, 1).toordinal() + int(values["j"]) - 1)
        if day.year != year:
            raise ValueError
        return day
    month = int(values["m"]) if "m" in values else _MONTH_NUMBERS[values["b"].lower()]
    return date(year, month, int(values["d"]))


def _parse_time(day: date, values: Mapping[str, str]) -> datetime:
    if "I" in values:
        hour = int(values["I"])
        if not 1 <= hour <= _NOON:
            raise ValueError
        hour = hour % _NOON + _NOON * (values["p"][0] in "pP")
    else:
        hour = int(values["H"])
    minute, second = int(values.get("M", "0")), int(values.get("S", "0"))
    return combine(day, hour, minute, second, values.get("f", "0"))
