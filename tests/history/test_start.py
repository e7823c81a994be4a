"""``history=True``: the application starts only if the database records what the model declares."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import ConfigurationError, History, history_table
from encore.database.engine import with_connection
from encore.migrations import create_history, drop_history
from tests.fixtures.history_models import HistoryBase, Maker, Plain, Tool
from tests.fixtures.models import ModelApi, Serve
from tests.history.conftest import history

COLUMNS = ["id", "name"]


def start(api: ModelApi) -> None:
    """Start the application, as a server would."""

    async def scenario() -> None:
        async with api.app.router.lifespan_context(api.app):
            pass

    api.run(scenario())


def migrate(api: ModelApi, work: Callable[[Operations], None]) -> None:
    def run(connection: sa.Connection) -> None:
        work(Operations(MigrationContext.configure(connection)))
        connection.commit()

    with_connection(api.url, run)


def test_application_with_triggers_starts(api: ModelApi) -> None:
    start(api)


def test_missing_triggers_stop_the_start_with_the_line_to_write(api: ModelApi) -> None:
    migrate(api, lambda op: drop_history(op, "makers"))
    line = r"create_history\(op, 'makers', key=\['id'\], columns=\['id', 'name'\]\)"
    with pytest.raises(ConfigurationError, match=f"Maker.*history.*{line}"):
        start(api)
    migrate(api, lambda op: create_history(op, "makers", key=["id"], columns=COLUMNS))
    start(api)


def test_other_triggers_stop_the_start(api: ModelApi) -> None:
    work = {"key": ["id"], "columns": ["id"], "exclude": ["name"]}
    migrate(api, lambda op: create_history(op, "makers", **work))
    with pytest.raises(ConfigurationError, match="does not record what the model declares"):
        start(api)


def test_missing_table_stops_the_start(api: ModelApi) -> None:
    migrate(api, lambda op: drop_history(op, "makers"))
    api.sql("DROP TABLE makers_history")
    with pytest.raises(ConfigurationError, match="makers_history is missing"):
        start(api)


def test_changes_without_triggers_are_recorded_by_the_migration(api: ModelApi) -> None:
    for name in ("kept", "changed", "deleted"):
        api.create("/makers", name=name)
    migrate(api, lambda op: drop_history(op, "makers"))
    api.sql("UPDATE makers SET name = 'other' WHERE id = 2")
    api.sql("DELETE FROM makers WHERE id = 3")
    api.sql("INSERT INTO makers (id, name) VALUES (4, 'new')")
    migrate(api, lambda op: create_history(op, "makers", key=["id"], columns=COLUMNS))
    migrate(api, lambda op: create_history(op, "makers", key=["id"], columns=COLUMNS))
    found = [
        [entry["operation"] for entry in history(api, f"/makers/{number}")]
        for number in range(1, 5)
    ]
    assert found == [["create"], ["create", "update"], ["create", "delete"], ["baseline"]]
    assert history(api, "/makers/4")[0]["changes"]["name"] == {"after": "new"}


def test_rows_older_than_the_history_are_unknown_before(api: ModelApi) -> None:
    api.create("/makers", name="old")
    api.sql("DELETE FROM makers_history")
    migrate(api, lambda op: create_history(op, "makers", key=["id"], columns=COLUMNS))
    api.put("/makers/1", {"name": "new"})
    baseline, _ = history(api, "/makers/1")
    assert baseline["operation"] == "baseline"
    assert baseline["subject"] is None
    query = {"as_of": baseline["at"]}
    assert api.get("/makers/1", params=query).json()["name"] == "old"
    query = {"as_of": "2020-01-01T00:00:00Z"}
    assert api.get("/makers/1", params=query).status_code == 410
    assert api.get("/makers", params=query).status_code == 410


def test_row_whose_history_begins_later_is_gone_for_times_before(api: ModelApi) -> None:
    api.create("/makers", name="old")
    api.create("/makers", name="other")
    (other,) = history(api, "/makers/2")
    api.sql("DELETE FROM makers_history WHERE id = 1")
    api.put("/makers/1", {"name": "new"})
    baseline, update = history(api, "/makers/1")
    assert (baseline["operation"], update["operation"]) == ("baseline", "update")
    assert update["changes"]["name"] == {"before": "old", "after": "new"}
    query = {"as_of": other["at"]}
    assert api.get("/makers/1", params=query).status_code == 410
    assert api.get("/makers/2", params=query).status_code == 200
    assert api.get("/makers", params=query).status_code == 410


class Base(DeclarativeBase):
    pass


class Late(Base):
    __tablename__ = "lates"

    id: Mapped[int] = mapped_column(primary_key=True)


history_table(Late)
Late.__table__.append_column(sa.Column("added", sa.Integer))  # type: ignore[attr-defined] # a Table


class View(Base):
    __tablename__ = "views"
    __table_args__: Any = {"info": {"is_view": True}}  # noqa: RUF012 - SQLAlchemy's form

    id: Mapped[int] = mapped_column(primary_key=True)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (Plain, {"history": True}, r"history_table\(Plain\)"),
        (Late, {"history": True}, "before the column added was added"),
        (Maker, {"history": "yes"}, "must be true, false or History"),
        (Maker, {"history": History(timedelta(0))}, "retention"),
        (Maker, {"history": History(timedelta.max)}, "retention"),
        (View, {"history": True}, "a view has no rows of its own"),
        (Maker, {"history": True, "actions": ["list", "update"]}, "needs the action read"),
        (Maker, {"access": {"history": "library"}}, "there is no history"),
    ],
)
def test_invalid_options_are_refused(
    serve: Serve, model: Any, options: dict[str, Any], message: str
) -> None:
    api = serve(HistoryBase.metadata)
    with pytest.raises(ConfigurationError, match=message):
        api.crud.resource(model, **options)


def test_history_table_refuses_what_it_cannot_record() -> None:
    with pytest.raises(ValueError, match="already"):
        history_table(Tool)
    with pytest.raises(ValueError, match="'nmae' is not a column"):
        history_table(Plain, exclude=["nmae"])
    with pytest.raises(ValueError, match="part of the key"):
        history_table(Plain, exclude=["id"])
    with pytest.raises(TypeError, match="Table"):
        history_table(int)
    with pytest.raises(ValueError, match="schema"):
        history_table(sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer), schema="s"))


TOUCH = {
    "sqlite": [
        (
            "CREATE TRIGGER {name} AFTER UPDATE OF name ON makers WHEN NEW.name NOT LIKE '%!' BEGIN"
            " UPDATE makers SET name = NEW.name || '!' WHERE id = NEW.id; END"
        )
    ],
    "postgresql": [
        (
            "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " UPDATE makers SET name = NEW.name || '!' WHERE id = NEW.id; RETURN NULL; END $$"
        ),
        (
            "CREATE TRIGGER {name} AFTER UPDATE OF name ON makers FOR EACH ROW"
            " WHEN (NEW.name NOT LIKE '%!') EXECUTE FUNCTION {name}()"
        ),
    ],
}
"""A trigger that changes the row again."""


def test_what_other_triggers_change_is_recorded_in_its_order(api: ModelApi) -> None:
    api.create("/makers", name="one")
    for sql in TOUCH["sqlite" if api.is_sqlite else "postgresql"]:
        api.sql(sql.format(name="a_touch").replace("%", "%" if api.is_sqlite else "%%"))
    if api.is_sqlite:
        with pytest.raises(ConfigurationError, match="a_touch, which may change the same rows"):
            start(api)
        migrate(api, lambda op: create_history(op, "makers", key=["id"], columns=COLUMNS))
    start(api)
    api.put("/makers/1", {"name": "two"})
    names = [entry["changes"]["name"]["after"] for entry in history(api, "/makers/1")]
    assert names == ["one", "two", "two!"]
    query = {"as_of": history(api, "/makers/1")[-1]["at"]}
    assert api.get("/makers/1", params=query).json()["name"] == "two!"
