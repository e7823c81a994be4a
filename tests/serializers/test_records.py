"""Records in hooks: they take and lose members, and a dictionary of one shows no hidden field."""

from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from encore import Context, Resource
from encore.serializers.records import Record
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    full_name: Mapped[str] = mapped_column("fullName", sa.String(50))
    pass_hash: Mapped[str | None] = mapped_column("passHash", sa.String(50))
    born: Mapped[int | None]
    cards: Mapped[list["Card"]] = relationship(order_by="Card.id")


class Card(Base):
    __tablename__ = "cards"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]
    secret: Mapped[str]
    account_id: Mapped[int | None] = mapped_column("accountId", sa.ForeignKey("accounts.id"))


class Only(Base):
    """Shows one field."""

    __tablename__ = "only"

    id: Mapped[int] = mapped_column(primary_key=True)
    hidden: Mapped[str | None]


@pytest.fixture
def api(serve: Serve) -> ModelApi:
    """Two accounts, the first with two cards."""
    api = serve(Base.metadata)

    def fill(session: sa.orm.Session) -> None:
        cards = [Card(label=label, secret="HIDDEN") for label in ("k1", "k2")]
        session.add(Account(full_name="Ada", pass_hash="HIDDEN", born=1815, cards=cards))
        session.add(Account(full_name="Bob", pass_hash="HIDDEN", born=1900))
        session.add(Only(hidden="HIDDEN"))

    api.orm(fill)
    return api


@pytest.fixture
def accounts(api: ModelApi) -> Resource:
    """Accounts without their hashes, and their cards without secrets."""
    return api.crud.resource(
        Account,
        associations=True,
        exclude_attributes={"own": ["passHash"], "cards": ["secret"]},
    )


def records(context: Context) -> list[Any]:
    found = context.instance
    return found if isinstance(found, list) else [found]


REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/accounts", None),
    ("GET", "/accounts/1", None),
    ("PUT", "/accounts/1", {"born": 1815}),
    (
        "POST",
        "/accounts",
        {"fullName": "Ada", "born": 1815, "cards": [{"label": "k"}] * 2},
    ),
]


@pytest.mark.parametrize("stage", ["fetch.after", "data", "write.after", "send.before"])
def test_record_with_added_and_removed_members_is_encoded(
    api: ModelApi, accounts: Resource, stage: str
) -> None:
    def change(context: Context) -> None:
        for found in records(context):
            record: Any = found
            if not isinstance(found, Record):
                continue  # Not fetched yet.
            assert (record["fullName"], record["full_name"]) == (record.full_name,) * 2
            assert record.get("fullName") == record.full_name
            assert record.get("nothing", 7) == 7
            record["age"] = 2000 - record["born"]
            record.shout = record.full_name.upper()
            record["full_name"] = f"Dr. {record.full_name}"
            del record["born"]
            assert "born" not in record
            assert "age" in record
            for key in record.get("cards", []):
                key["size"] = 3

    accounts.create.start(lambda context: context.add_to_children.update(secret="HIDDEN"))
    name, _, timing = stage.partition(".")
    getattr(accounts.all.stage(name), timing or "action")(change)
    for method, path, body in REQUESTS:
        answer = api.request(method, path, json=body)
        assert answer.status_code == (201 if method == "POST" else 200), answer.text
        found = answer.json()
        row = found[0] if isinstance(found, list) else found
        if method in ("PUT", "POST") and stage in ("fetch.after", "data"):
            continue  # The write fetched the row anew.
        assert (row["age"], row["shout"], row["fullName"]) == (185, "ADA", "Dr. Ada")
        assert "born" not in row
        assert [card["size"] for card in row["cards"]] == [3, 3]
        assert "HIDDEN" not in answer.text


def test_location_after_hook_removed_key_is_unchanged(api: ModelApi, accounts: Resource) -> None:
    @accounts.create.send.before
    def drop(context: Context) -> None:
        del context.instance["id"]

    answer = api.post("/accounts", {"fullName": "Eve"})
    assert (answer.status_code, answer.headers["location"]) == (201, "/accounts/3")
    assert "id" not in answer.json()


@pytest.mark.parametrize("stage", ["fetch", "data", "write", "send", "complete"])
def test_dict_of_record_omits_hidden_fields(api: ModelApi, accounts: Resource, stage: str) -> None:
    seen: list[Any] = []

    @accounts.all.stage(stage).after
    def look(context: Context) -> None:
        for record in (*records(context), context.deleted_instance):
            if not isinstance(record, Record):
                continue
            values: Any = record
            seen.append(values.pass_hash)
            for made in (dict(values), {**values}, msgspec.to_builtins(values)):
                assert list(made)[:3] == ["id", "fullName", "born"]
                assert "HIDDEN" not in msgspec.json.encode(made).decode()
            assert "HIDDEN" not in repr(msgspec.structs.asdict(record))

    for method, path, body in REQUESTS[:3]:
        assert "HIDDEN" not in api.request(method, path, json=body).text
    assert api.delete("/accounts/2").status_code == 200
    assert seen
    assert set(seen) == {"HIDDEN"}


def test_record_rejects_hidden_name_and_removal_of_missing_one(
    api: ModelApi, accounts: Resource
) -> None:
    now: list[Any] = [None]
    accounts.read.data(lambda context: now[0](context.instance))

    def show_hidden(record: Any) -> None:
        record["passHash"] = "HIDDEN"

    def show_hidden_attribute(record: Any) -> None:
        record["pass_hash"] = "HIDDEN"

    def remove_missing(record: Any) -> None:
        del record["nothing"]

    def read_hidden(record: Any) -> None:
        record["passHash"]

    for now[0] in (show_hidden, show_hidden_attribute, remove_missing, read_hidden):
        assert api.get("/accounts/1").status_code == 500

    def set_hidden(record: Any) -> None:
        record.pass_hash = "HIDDEN"

    now[0] = set_hidden
    assert "HIDDEN" not in api.get("/accounts/1").text


def test_fields_parameter_keeps_members_added_by_hooks(api: ModelApi, accounts: Resource) -> None:
    @accounts.read.fetch.after
    def add(context: Context) -> None:
        context.instance["age"] = 1

    assert api.read("/accounts/1", fields="fullName") == {"fullName": "Ada", "age": 1}


def test_instance_containing_records_is_encoded(api: ModelApi, accounts: Resource) -> None:
    @accounts.list.fetch.after
    def wrap(context: Context) -> None:
        context.instance[0]["first"] = True
        rows = context.instance
        context.instance = {"rows": rows, "names": [record.full_name for record in rows]}

    answer = api.read("/accounts")
    assert answer["names"] == ["Ada", "Bob"]
    assert [row.get("first") for row in answer["rows"]] == [True, None]


@pytest.mark.parametrize("hidden", [["hidden"], ["id", "hidden"]])
def test_rows_showing_one_field_or_none_are_encoded(api: ModelApi, hidden: list[str]) -> None:
    api.crud.resource(Only, exclude_attributes=hidden)
    shown = {} if "id" in hidden else {"id": 1}
    assert api.read("/only") == [shown]
    if shown:
        assert api.post("/only", {"id": 2}).headers["location"] == "/only/2"
