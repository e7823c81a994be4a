"""Uploads whose rows the database rejects when they are written, by reason."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore.uploads import MergeContext, Upload
from tests.fixtures.models import ModelApi, Serve

REASONS: dict[str, dict[str, Any]] = {
    "trigger": {"n": -1},
    "skipped": {"n": -4},
    "check": {"n": 100},
    "unique": {"tag": "taken"},
    "null": {"n": -5},
}
FIELDS = {"check": "n", "unique": "tag", "null": "note"}
"""The field of the error; otherwise it is an error of the whole row."""

SQLITE = [
    f"CREATE TRIGGER t{number} BEFORE {event} ON orders WHEN {condition} BEGIN {body}; END"
    for number, (event, condition, body) in enumerate(
        [
            ("INSERT", "NEW.n = -1", "SELECT RAISE(ABORT, 'secret')"),
            ("UPDATE", "NEW.n = -1", "SELECT RAISE(FAIL, 'secret')"),
            ("INSERT", "NEW.n = -4", "SELECT RAISE(IGNORE)"),
            ("UPDATE", "NEW.n = -4", "SELECT RAISE(IGNORE)"),
            ("INSERT", "NEW.n = -5", "INSERT INTO orders (code, note) VALUES ('x', NULL)"),
            ("UPDATE", "NEW.n = -5", "UPDATE orders SET note = NULL WHERE id = NEW.id"),
            ("INSERT", "NEW.n = -9", "SELECT RAISE(ROLLBACK, 'secret')"),
        ]
    )
]
POSTGRESQL = [
    """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.n = -1 THEN RAISE EXCEPTION 'secret' USING ERRCODE = 'ZX001'; END IF;
    IF NEW.n = -4 THEN RETURN NULL; END IF;
    IF NEW.n = -5 THEN NEW.note := NULL; END IF;
    RETURN NEW; END $$""",
    """CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON orders
    FOR EACH ROW EXECUTE FUNCTION refuse()""",
]


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    __table_args__ = (sa.CheckConstraint("n < 100", name="few"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)
    n: Mapped[int] = mapped_column(server_default="0")
    tag: Mapped[str | None] = mapped_column(sa.String(20), unique=True)
    note: Mapped[str] = mapped_column(server_default="")


class History(Base):
    __tablename__ = "history"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]


@pytest.fixture
def api(serve: Serve, models_database: str | None) -> ModelApi:
    return serve(Base.metadata, ddl=SQLITE if models_database is None else POSTGRESQL)


@pytest.fixture
def upload(api: ModelApi) -> Upload:
    return api.crud.upload(api.crud.resource(Order), natural_key=["code"])


def send(api: ModelApi, rows: Any, status: int = 200, **params: str) -> Any:
    response = api.post("/orders/upload", rows, params=params)
    assert response.status_code == status, response.text
    assert "secret" not in response.text
    return response.json()


def codes(api: ModelApi) -> list[str]:
    return [row["code"] for row in api.rows(Order)]


@pytest.mark.usefixtures("upload")
@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("stored", [False, True])
def test_partial_upload_writes_rows_that_database_accepts(
    api: ModelApi, reason: str, *, stored: bool
) -> None:
    before = [{"code": "z", "tag": "taken"}] + [{"code": c} for c in "abc" if stored]
    send(api, before, mode="partial")
    rows = [{"code": "a", "n": 1}, {"code": "b", **REASONS[reason]}, {"code": "c", "n": 3}]
    report = send(api, rows, mode="partial")
    written = "updated" if stored else "created"
    assert [row["status"] for row in report["rows"]] == [written, "rejected", written]
    assert (report[written], report["rejected"]) == (2, 1)
    (error,) = report["rows"][1]["errors"]
    assert error["field"] == FIELDS.get(reason, "")
    values = {row["code"]: row["n"] for row in api.rows(Order)}
    assert values == {"z": 0, "a": 1, "c": 3} | ({"b": 0} if stored else {})


@pytest.mark.usefixtures("upload")
@pytest.mark.parametrize("reason", REASONS)
def test_atomic_upload_with_row_rejected_by_database_is_400_with_line(
    api: ModelApi, reason: str
) -> None:
    send(api, [{"code": "z", "tag": "taken"}])
    rows = [{"code": "a"}, {"code": "b", **REASONS[reason]}, {"code": "c"}]
    problem = send(api, rows, 400)
    assert [(row["line"], row["status"]) for row in problem["rows"]] == [(2, "rejected")]
    assert problem["errors"][0]["message"].startswith("line 2: ")
    assert codes(api) == ["z"]


@pytest.mark.usefixtures("upload")
def test_rows_rejected_by_database_among_many_are_found(api: ModelApi) -> None:
    bad = {7: -1, 1_000: -4, 1_001: 100, 2_499: -1}
    rows = [{"code": f"r{n}", "n": bad.get(n, 1)} for n in range(2_500)]
    report = send(api, rows, mode="partial", report="rejected")
    assert [row["line"] - 1 for row in report["rows"]] == list(bad)
    assert report["created"] == len(api.rows(Order)) == 2_496


@pytest.mark.usefixtures("upload")
def test_more_rows_rejected_by_database_than_limit_reject_upload(
    api: ModelApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("encore.uploads.writers.MAX_REJECTED_BY_DATABASE", 3)
    rows = [{"code": f"r{n}", "n": -1 if n % 2 else 1} for n in range(8)]
    assert "more than 3 rows" in send(api, rows, 400, mode="partial")["detail"]
    assert codes(api) == []


def test_before_write_hook_of_rejected_row_is_undone(api: ModelApi, upload: Upload) -> None:
    @upload.before_write
    async def remember(merge: MergeContext) -> None:
        staging = merge.staging
        rows = sa.select(staging["code"]).where(staging.status == "created")
        await merge.execute(sa.insert(History).from_select(["code"], rows.order_by(staging.line)))

    rows = [{"code": code, "n": n} for code, n in zip("abcd", (1, -1, -4, 2), strict=True)]
    assert send(api, rows, mode="partial")["created"] == 2
    assert codes(api) == [row["code"] for row in api.rows(History)] == ["a", "d"]


@pytest.mark.usefixtures("upload")
def test_single_row_rejected_by_database_has_status_of_create(api: ModelApi) -> None:
    api.create("/orders", code="z", tag="taken")
    expected = {"trigger": 409, "skipped": 409, "check": 400, "unique": 409, "null": 400}
    for reason, status in expected.items():
        row = {"code": "b", **REASONS[reason]}
        assert api.post("/orders", row).status_code == status, reason
        send(api, row, status)
    assert codes(api) == ["z"]


@pytest.mark.usefixtures("upload")
def test_trigger_that_rolls_back_rejects_upload(api: ModelApi) -> None:
    if not api.is_sqlite:
        pytest.skip("only SQLite has RAISE(ROLLBACK)")
    rows = [{"code": "a"}, {"code": "b", "n": -9}]
    problem = send(api, rows, 409, mode="partial")
    assert problem["type"] == "urn:problem-type:refused-by-database"
    assert codes(api) == []
    assert send(api, [{"code": "a"}])["created"] == 1


def test_row_whose_stored_key_has_changed_since_is_not_written(
    api: ModelApi, upload: Upload
) -> None:
    send(api, [{"code": "a"}, {"code": "b"}])

    @upload.validate_merge
    async def change_key(merge: MergeContext) -> None:  # As another request may meanwhile.
        await merge.execute(sa.update(Order).values(code="other").where(Order.code == "a"))

    rows = [{"code": "a", "n": 1}, {"code": "b", "n": 2}]
    report = send(api, rows, mode="partial")
    assert [row["status"] for row in report["rows"]] == ["rejected", "updated"]
    assert report["rows"][0]["errors"][0]["message"] == "The database did not write this row"
    assert [(row["code"], row["n"]) for row in api.rows(Order)] == [("other", 0), ("b", 2)]
