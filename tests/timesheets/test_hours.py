"""Hours as text: in Python and in SQL alike, exact to the second."""

from typing import Any

import sqlalchemy as sa

from api.resources.timesheets.hours import format_hours, hours_text
from encore.database.engine import with_connection
from encore.types import DurationHours

DAY = 24 * 3600
WEEK = 7 * DAY


def test_text_of_every_second_is_alike_in_python_and_sql(database_url: str) -> None:
    seconds = [*range(1, DAY + 1, 7), *range(1, 3601), WEEK - 1, WEEK]
    stored = sa.Table("worked", sa.MetaData(), sa.Column("hours", DurationHours))
    texts: dict[Any, str] = {}

    def work(connection: sa.Connection) -> None:
        stored.create(connection)
        hours = [{"hours": DurationHours.from_seconds(n)} for n in sorted({*seconds})]
        connection.execute(stored.insert(), hours)
        rows = connection.execute(sa.select(stored.c.hours, hours_text(stored.c.hours)))
        texts.update((hours, text) for hours, text in rows)

    with_connection(database_url, work)
    assert len(texts) == len({*seconds})
    assert texts == {hours: format_hours(hours) for hours in texts}
    assert all(len(text.partition(".")[2]) in {2, 3, 4} for text in texts.values())
    assert {DurationHours.to_seconds(hours) for hours in texts} == {*seconds}
