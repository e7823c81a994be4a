"""What a database refuses for good: a 4xx that says so, never a 503 that asks to try again."""

import asyncio
import json

import httpx
import pytest
import sqlalchemy as sa
import structlog
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore.database.statement import Statement
from tests.fixtures.models import ModelApi, Serve

SECRET = "overdrawn by 4711"


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int]
    room: Mapped[str | None]


class Elsewhere(DeclarativeBase):
    pass


class Missing(Elsewhere):
    __tablename__ = "not_migrated"

    id: Mapped[int] = mapped_column(primary_key=True)


class Wider(Elsewhere):
    """The same table with a column that the database does not have."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    extra: Mapped[str | None]


class Shown(Elsewhere):
    """A view, which the model does not tell."""

    __tablename__ = "shown"

    id: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int]


class Marked(Elsewhere):
    """A view, which the model tells."""

    __tablename__ = "marked"
    __table_args__ = {"info": {"is_view": True}}  # noqa: RUF012 - SQLAlchemy's way to say it

    id: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int]


VIEWS = (
    "CREATE VIEW shown AS SELECT id, n FROM accounts GROUP BY id, n",
    "CREATE VIEW marked AS SELECT id, n FROM accounts",
)
RAISING = (
    ("INSERT", "NEW.n = -1", f"ABORT, '{SECRET}'"),
    ("INSERT", "NEW.n = -2", f"FAIL, '{SECRET}'"),
    ("INSERT", "NEW.n = -3", f"ROLLBACK, '{SECRET}'"),
    ("INSERT", "NEW.n = -4", "IGNORE"),
    ("UPDATE", "NEW.n = -1", f"ABORT, '{SECRET}'"),
    ("UPDATE", "NEW.n = -4", "IGNORE"),
    ("DELETE", "OLD.n = 1", f"ABORT, '{SECRET}'"),
    ("DELETE", "OLD.n = 4", "IGNORE"),
)
SQLITE = [
    *VIEWS,
    *(
        f"CREATE TRIGGER t{n} BEFORE {event} ON accounts WHEN {condition}"
        f" BEGIN SELECT RAISE({what}); END"
        for n, (event, condition, what) in enumerate(RAISING)
    ),
]
POSTGRESQL = [
    *VIEWS,
    f"""CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.n = 1 THEN RAISE EXCEPTION '{SECRET}'; END IF;
        IF OLD.n = 4 THEN RETURN NULL; END IF;
        RETURN OLD;
    END IF;
    IF NEW.n = -1 THEN RAISE EXCEPTION '{SECRET}'; END IF;
    IF NEW.n = -2 THEN RAISE EXCEPTION '{SECRET}' USING ERRCODE = 'ZX001'; END IF;
    IF NEW.n = -3 THEN RAISE EXCEPTION '{SECRET}' USING ERRCODE = '45000'; END IF;
    IF NEW.n = -4 THEN RETURN NULL; END IF;
    RETURN NEW; END $$""",
    """CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON accounts
    FOR EACH ROW EXECUTE FUNCTION refuse()""",
    "ALTER TABLE accounts ADD CONSTRAINT one_each EXCLUDE (room WITH =)",
]


@pytest.fixture
def api(serve: Serve, models_database: str | None) -> ModelApi:
    api = serve(Base.metadata, ddl=SQLITE if models_database is None else POSTGRESQL)
    api.crud.resource(Account)
    return api


def assert_problem(response: httpx.Response, status: int, slug: str, *fields: str) -> None:
    body = response.json()
    assert (response.status_code, body["type"]) == (status, f"urn:problem-type:{slug}"), body
    assert [error["field"] for error in body["errors"]] == list(fields)
    assert "retry-after" not in response.headers
    assert SECRET not in response.text


@pytest.mark.parametrize("n", [-1, -2, -3, -4])
def test_row_rejected_by_trigger_is_409_and_not_written(api: ModelApi, n: int) -> None:
    assert_problem(api.post("/accounts", {"n": n}), 409, "refused-by-database")
    assert api.read("/accounts") == []
    assert api.create("/accounts", n=5)["n"] == 5  # The service goes on as before.
    assert len(api.rows(Account)) == 1


def test_change_rejected_by_trigger_is_409_and_missing_row_404(
    api: ModelApi,
) -> None:
    kept, ignored = (api.create("/accounts", n=n)["id"] for n in (1, 4))
    for n in (-1, -4):
        assert_problem(api.put(f"/accounts/{kept}", {"n": n}), 409, "refused-by-database")
    for key in (kept, ignored):
        assert_problem(api.delete(f"/accounts/{key}"), 409, "refused-by-database")
    assert [row["n"] for row in api.read("/accounts")] == [1, 4]
    assert_problem(api.put("/accounts/99", {"n": 1}), 404, "not-found")
    assert_problem(api.delete("/accounts/99"), 404, "not-found")


def test_exclusion_constraint_is_409_naming_the_field(api: ModelApi) -> None:
    if api.is_sqlite:
        pytest.skip("SQLite has no exclusion constraints")
    api.create("/accounts", n=5, room="blue")
    assert_problem(api.post("/accounts", {"n": 6, "room": "blue"}), 409, "conflict", "room")


def test_missing_table_or_column_is_500_without_retry(api: ModelApi) -> None:
    api.crud.resource(Missing)
    api.crud.resource(Wider, endpoints=["/wider", "/wider/{id}"])
    for response in (
        api.get("/not_migrated"),
        api.post("/not_migrated", {}),
        api.get("/wider"),
        api.post("/wider", {"extra": "x"}),
    ):
        assert_problem(response, 500, "internal-error")


def test_write_to_a_view_without_triggers_is_405(api: ModelApi) -> None:
    api.crud.resource(Shown)
    key = api.create("/accounts", n=7)["id"]
    assert api.read("/shown") == [{"id": key, "n": 7}]
    for response in (
        api.post("/shown", {"n": 8}),
        api.put(f"/shown/{key}", {"n": 8}),
        api.delete(f"/shown/{key}"),
    ):
        assert_problem(response, 405, "method-not-allowed")
        assert response.headers["allow"] == "GET, HEAD, OPTIONS"
    assert [row["n"] for row in api.rows(Account)] == [7]


def test_view_has_reading_actions_only_unless_others_are_named(api: ModelApi) -> None:
    api.crud.resource(Marked)
    api.crud.resource(Marked, endpoints=["/writable", "/writable/{id}"], actions=["create"])
    assert api.post("/marked", {"n": 8}).status_code == 405
    response = api.post("/writable", {"n": 8})
    if api.is_sqlite:
        assert_problem(response, 405, "method-not-allowed")
    else:  # PostgreSQL updates simple views.
        assert (response.status_code, response.json()) == (201, {"id": 1, "n": 8})
    assert api.read("/marked") == ([] if api.is_sqlite else [{"id": 1, "n": 8}])


def test_read_only_database_is_503_with_retry(api: ModelApi) -> None:
    key = api.create("/accounts", n=7)["id"]
    read_only = (
        "PRAGMA query_only = ON" if api.is_sqlite else "SET default_transaction_read_only = on"
    )
    api.run(_run(api, read_only))  # The service has opened one connection for writing.
    response = api.post("/accounts", {"n": 8})
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json()["message"] == "The database is read-only"
    assert api.read(f"/accounts/{key}")["n"] == 7


def test_lost_connections_are_503_with_retry_and_replaced(api: ModelApi) -> None:
    if api.is_sqlite:
        pytest.skip("SQLite has no connections to lose")
    api.create("/accounts", n=7)
    api.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'encore'"
    )
    answers = [api.get("/accounts") for _ in range(4)]
    for response in answers[:-1]:
        assert response.status_code in (200, 503)
        assert ("retry-after" in response.headers) == (response.status_code == 503)
    assert answers[-1].status_code == 200


async def _run(api: ModelApi, sql: str) -> None:
    async with api.database.writing() as connection:
        await connection.fetch_all(Statement(sa.text(sql), api.database.dialect), ())


def test_rollback_by_trigger_acknowledges_no_request_of_its_group(api: ModelApi) -> None:
    if not api.is_sqlite:
        pytest.skip("on PostgreSQL no request shares a transaction")

    async def together() -> list[httpx.Response]:
        calls = (api.call("POST", "/accounts", json={"n": n}) for n in (1, -3, 2))
        return list(await asyncio.gather(*calls))

    answers = api.run(together())
    assert answers[1].status_code == 409
    made = sorted(a.json()["n"] for a in answers if a.status_code == 201)
    assert sorted(row["n"] for row in api.rows(Account)) == made
    assert {a.status_code for a in answers} <= {201, 409, 503}


def test_log_has_database_code_and_no_message(api: ModelApi) -> None:
    api.crud.resource(Missing)
    codes = {
        "SQLITE_CONSTRAINT_TRIGGER" if api.is_sqlite else "P0001": ("/accounts", {"n": -1}),
        "SQLITE_ERROR" if api.is_sqlite else "42P01": ("/not_migrated", {}),
    }
    for code, (path, body) in codes.items():
        with structlog.testing.capture_logs() as logs:
            api.request("POST", path, json=body)
        assert [line["code"] for line in logs if line["event"] == "request failed"] == (
            [code] if path == "/not_migrated" else []
        )
        assert SECRET not in json.dumps(logs)
        assert "INSERT" not in json.dumps(logs)
