"""The words and abbreviations of units of time, in the languages that exports are written in.

English, German, French, Spanish, Italian, Portuguese, Dutch, Danish, Norwegian, Swedish, Polish,
Czech and Russian. Days and weeks are listed only to be rejected by name: one tool counts 8 hours a
day, another 24.
"""

# ruff: noqa: RUF001 - Russian words have letters that look Latin.

from collections.abc import Mapping
from typing import Final

MILLISECONDS: Final[Mapping[str, int]] = {
    "days": 86_400_000,
    "hours": 3_600_000,
    "minutes": 60_000,
    "seconds": 1000,
    "milliseconds": 1,
}
"""The length of each ``unit`` of a mapping."""

_WORDS: Final = {
    "days": """
        d day days tag tage tagen jour jours j día días dia dias giorno giorni gg g dag dagen dage
        dagar dni dzień den dny день дня дней w wk wks week weeks woche wochen semaine semaines
        semana semanas settimana settimane weken
    """,
    "hours": """
        h hr hrs hour hours std stdn stunde stunden heure heures hora horas ora ore u uur uren tim
        timme timmar time timer godz godzina godziny godzin hod hodina hodiny hodin ч час часа часов
    """,
    "minutes": """
        m mn min mins minute minutes minuten minuto minutos minuti minuut minut minuta minuty
        minutter minuter мин минута минуты минут
    """,
    "seconds": """
        s sec secs second seconds sek sekunde sekunden seconde secondes seconden seg segs segundo
        segundos secondo secondi sekund sekunder sekunda sekundy с сек секунда секунды секунд
    """,
    "milliseconds": """
        ms msec msecs millisecond milliseconds millisekunde millisekunden milliseconde millisecondes
        milliseconden milisegundo milisegundos millisecondo millisecondi
    """,
}

UNIT_OF_WORD: Final[Mapping[str, str]] = {
    word: unit for unit, words in _WORDS.items() for word in words.split()
}
"""The unit that a word in small letters names."""
