"""What hooks set on the context is carried out under either name, adds up, or is refused."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column, relationship

from encore import Context, Resource
from encore.errors import Forbidden
from tests.fixtures.library import assert_field_errors
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Owner(Base):
    __tablename__ = "owners"

    id: Mapped[int] = mapped_column(primary_key=True)
    full_name: Mapped[str] = mapped_column("fullName", sa.String(50))
    tenant_id: Mapped[int | None] = mapped_column("tenantId")
    e_mail: Mapped[str] = mapped_column("eMail", sa.String(50), unique=True)
    nick: Mapped[str | None] = mapped_column(sa.String(50), unique=True)
    realm: Mapped[str] = mapped_column(sa.String(10), server_default="r")
    number: Mapped[int] = mapped_column(server_default="0")
    doubled: Mapped[int] = column_property(number * 2)
    notes: Mapped[list["Note"]] = relationship(passive_deletes="all", back_populates="owner")
    badge: Mapped["Badge | None"] = relationship(back_populates="owner")

    __table_args__ = (sa.UniqueConstraint("realm", "number", name="realm_number"),)


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    created_by: Mapped[str | None] = mapped_column("createdBy")
    owner_id: Mapped[int | None] = mapped_column("ownerId", sa.ForeignKey("owners.id"))
    owner: Mapped[Owner | None] = relationship(back_populates="notes")


class Badge(Base):
    __tablename__ = "badges"

    id: Mapped[int] = mapped_column(primary_key=True)
    colour: Mapped[str]
    owner_id: Mapped[int | None] = mapped_column("ownerId", sa.ForeignKey("owners.id"))
    owner: Mapped[Owner | None] = relationship(back_populates="badge")


ROWS: list[dict[str, Any]] = [
    {"full_name": "Ada", "tenant_id": 1, "e_mail": "a@x", "nick": "ace", "number": 1},
    {"full_name": "Bob", "tenant_id": 1, "e_mail": "b@x", "nick": None, "number": 2},
    {"full_name": "Cyd", "tenant_id": 2, "e_mail": "c@x", "nick": None, "number": 3},
    {"full_name": "Dot", "tenant_id": None, "e_mail": "d@x", "nick": "dee", "number": 4},
]
Hook = Callable[[Context], Any]


@pytest.fixture
def api(serve: Serve) -> ModelApi:
    """Four owners, and a note of the first."""
    api = serve(Base.metadata)

    def fill(session: sa.orm.Session) -> None:
        session.add_all(Owner(**row) for row in ROWS)
        session.flush()
        session.add_all([Note(text="a", owner_id=1), Note(text="b", owner_id=1)])

    api.orm(fill)
    return api


@pytest.fixture
def owners(api: ModelApi) -> Resource:
    """Owners with everything related to them."""
    return api.crud.resource(Owner, associations=True)


def ids_where(api: ModelApi, condition: Any) -> list[int]:
    """Return the ids of the owners that the ORM finds."""
    owners = sa.select(Owner.id).where(condition).order_by(Owner.id)
    return list(api.orm(lambda session: session.scalars(owners).all()))


def one_of(hooks: list[Hook], place: int) -> Hook:
    """Return a hook that is whichever stands in the list when it runs."""

    def hook(context: Context) -> None:
        hooks[place](context)

    return hook


def item_assignment(context: Context) -> None:
    context.criteria["tenantId"] = 1


def attribute_assignment(context: Context) -> None:
    context.criteria = {"tenant_id": 1}


def in_place(context: Any) -> None:  # mypy allows no other type for += than the getter's
    context.criteria += [Owner.tenant_id == 1]


def one_expression(context: Context) -> None:
    context.criteria = Owner.tenant_id == 1


def update_call(context: Context) -> None:
    context.criteria.update({"tenantId": 1})


TENANT_FILTERS: list[Hook] = [
    item_assignment, attribute_assignment, in_place, one_expression, update_call
]  # fmt: skip


def test_criteria_of_several_hooks_accumulate(api: ModelApi, owners: Resource) -> None:
    now: list[Hook] = []
    owners.list.start(one_of(now, 0))
    owners.list.start(set_to("criteria", {"fullName": ["Ada", "Bob", "Cyd"]}))
    owners.list.auth(one_of(now, 1))
    owners.list.fetch.before(set_in("criteria", "full_name", ["Bob", "Cyd", "Dot"]))
    for now[:] in product(TENANT_FILTERS, repeat=2):
        answer = api.get("/owners?tenantId__gte=0")
        assert [row["fullName"] for row in answer.json()] == ["Bob"]
        assert answer.headers["content-range"] == "items 0-0/1"


CRITERIA: list[tuple[Callable[[], Any], Callable[[], Any]]] = [
    (lambda: {"nick": None}, lambda: Owner.nick.is_(None)),
    (lambda: {"nick": ["ace", None]}, lambda: Owner.nick.is_(None) | (Owner.nick == "ace")),
    (lambda: {"nick": [None]}, lambda: Owner.nick.is_(None)),
    (lambda: {"tenantId": {1, 2}}, lambda: Owner.tenant_id.in_([1, 2])),
    (lambda: {"tenantId": ()}, sa.false),
    (lambda: {"tenantId": {1: 0}.keys()}, lambda: Owner.tenant_id == 1),
    (lambda: {"number": Owner.tenant_id + 1}, lambda: Owner.number == Owner.tenant_id + 1),
    (lambda: {"fullName": sa.func.upper("ada")}, lambda: Owner.full_name == sa.func.upper("ada")),
    (lambda: {"id": sa.select(Note.owner_id)}, Owner.notes.any),
    (lambda: {"doubled": 4}, lambda: Owner.number == 2),
    (lambda: Owner.notes.any(Note.text == "a"), lambda: Owner.notes.any(Note.text == "a")),
    (lambda: [Owner.id > 1, Owner.id < 3], lambda: Owner.id == 2),
    (lambda: (n for n in [Owner.id > 3]), lambda: Owner.id > 3),
    (dict, sa.true),
    (list, sa.true),
]


def test_criteria_match_same_rows_as_orm(api: ModelApi, owners: Resource) -> None:
    now: list[Any] = [None]
    owners.all.auth(lambda context: setattr(context, "criteria", now[0]()))
    for now[0], condition in CRITERIA:
        expected = ids_where(api, condition())
        rows = api.get("/owners?count=3").json()
        answer = api.get("/owners?count=1")
        assert [row["id"] for row in rows] == expected[:3]
        assert answer.headers["content-range"].endswith(f"/{len(expected)}")
        api.sql("UPDATE owners SET realm = 'r'")
        for row_id in range(1, 5):
            found = 200 if row_id in expected else 404
            assert api.get(f"/owners/{row_id}").status_code == found
            assert api.put(f"/owners/{row_id}", {"realm": "s"}).status_code == found
        assert ids_where(api, Owner.realm == "s") == expected
    now[0] = lambda: [Owner.id > 3]
    assert [api.delete(f"/owners/{n}").status_code for n in (3, 4)] == [404, 200]


def test_criteria_restrict_nested_lists(api: ModelApi, owners: Resource) -> None:
    @owners.nested_resources["notes"].all.start
    def narrow(context: Context) -> None:
        context.criteria["text"] = "b"

    assert [row["text"] for row in api.get("/owners/1/notes").json()] == ["b"]
    assert api.get("/owners/1/notes/1").status_code == 404
    assert api.get("/owners/1/notes/2").status_code == 200


def set_to(name: str, value: Any) -> Hook:
    return lambda context: setattr(context, name, value)


def set_in(name: str, key: Any, value: Any) -> Hook:
    return lambda context: getattr(context, name).__setitem__(key, value)


MISTAKES: list[Hook] = [
    set_in("criteria", "tennantId", 1),
    set_in("criteria", 5, 1),
    set_in("criteria", "tenantId", {"gt": 5}),
    set_to("criteria", {"nope": 1}),
    set_to("criteria", "tenantId"),
    set_to("criteria", None),
    set_to("criteria", [True]),
    lambda context: context.criteria.__delitem__("tenantId"),
    set_in("attributes", "fulName", "x"),
    set_in("attributes", "doubled", 1),
    set_to("attributes", {"fulName": "x"}),
    lambda context: context.attributes.update(fulName="x"),
    lambda context: context.attributes.setdefault("fulName", "x"),
    lambda context: context.attributes.get("fulName"),
    lambda context: context.attributes["fulName"],
    lambda context: "fulName" in context.attributes,
    lambda context: context.attributes.pop("fulName", None),
    set_to("add_to_children", {"createdby": "x"}),
    set_in("add_to_children", "createdby", "x"),
    set_to("include", ["note"]),
    set_to("include", "notes"),
    set_to("key", {}),
    set_to("key", {"full_name": "Ada"}),
    set_to("key", {"nick": "ace"}),
    set_to("key", {"realm": "r"}),
    set_to("key", {"doubled": 2}),
    set_to("key", {"idd": 1}),
    set_to("key", (1,)),
    set_to("key", 1),
    set_to("atributes", {}),
]


@pytest.mark.parametrize("stage", ["start", "write"])
def test_invalid_value_set_by_hook_returns_500_and_writes_nothing(
    api: ModelApi, owners: Resource, stage: str
) -> None:
    now: list[Hook] = []
    owners.update.stage(stage).before(one_of(now, 0))
    for now[:] in zip(MISTAKES, strict=True):
        answer = api.put("/owners/1", {"fullName": "Eve", "badge": {"colour": "red"}})
        assert (answer.status_code, answer.json()["detail"]) == (500, "internal error")
    names = api.orm(lambda s: s.scalars(sa.select(Owner.full_name).order_by(Owner.id)).all())
    assert list(names) == ["Ada", "Bob", "Cyd", "Dot"]
    assert api.sql("SELECT * FROM badges") == []


@pytest.mark.parametrize("action", ["list", "create"])
def test_key_set_in_action_without_key_raises(api: ModelApi, owners: Resource, action: str) -> None:
    owners.hooks[action].start(set_to("key", {"id": 1}))
    method = {"list": "GET", "create": "POST"}[action]
    assert api.request(method, "/owners").status_code == 500


def test_page_set_to_invalid_value_raises(api: ModelApi, owners: Resource) -> None:
    now: list[Any] = []
    owners.list.start(lambda context: setattr(context, *now))
    for now[:] in product(["count", "offset", "page"], [-1, "5", 1.5, True]):
        assert api.get("/owners").status_code == 500


@pytest.mark.parametrize("name", ["full_name", "fullName"])
@pytest.mark.parametrize("stage", ["start", "auth", "fetch", "data", "write"])
def test_attributes_accept_python_and_json_names(
    api: ModelApi, owners: Resource, stage: str, name: str
) -> None:
    seen: list[Any] = []

    @owners.all.stage(stage).before
    def stamp(context: Context) -> None:
        if context.action in ("create", "update"):
            context.attributes[name] = "hook"
            seen.append((context.attributes["full_name"], context.attributes["fullName"]))
            seen.append(("full_name" in context.attributes, "fullName" in context.attributes))

    body = {"fullName": "client", "eMail": "n@x", "number": 9}
    assert api.create("/owners", **body)["fullName"] == "hook"
    assert api.put("/owners/1", {"fullName": "client"}).json()["fullName"] == "hook"
    assert seen == [("hook", "hook"), (True, True)] * 2


@pytest.mark.parametrize("names", [("full_name", "fullName"), ("fullName", "full_name")])
def test_attribute_set_by_other_name_overrides_earlier_hook(
    api: ModelApi, owners: Resource, names: tuple[str, str]
) -> None:
    first, second = names
    owners.update.start(set_to("attributes", {first: "first"}))
    owners.update.write.before(set_in("attributes", second, "second"))
    assert api.put("/owners/1", {"fullName": "client"}).json()["fullName"] == "second"


@pytest.mark.parametrize("name", ["created_by", "createdBy"])
@pytest.mark.parametrize("assign", [set_to, None], ids=["assigned", "item"])
def test_add_to_children_overrides_client_by_either_name(
    api: ModelApi, owners: Resource, name: str, assign: Any
) -> None:
    hook = (
        set_to("add_to_children", {name: "hook"})
        if assign
        else set_in("add_to_children", name, "hook")
    )
    owners.create.start(hook)
    row = api.create(
        "/owners",
        fullName="Eve",
        eMail="e@x",
        number=9,
        notes=[{"text": "x", "createdBy": "forged"}, {"text": "y"}],
        badge={"colour": "red"},
    )
    assert [note["createdBy"] for note in row["notes"]] == ["hook", "hook"]
    assert row["badge"]["colour"] == "red"


def test_include_selects_relations_and_none_embeds_all(api: ModelApi, owners: Resource) -> None:
    chosen: list[Any] = [["notes"], [], None]
    owners.read.start(lambda context: setattr(context, "include", chosen[0]))
    shown = []
    while chosen:
        shown.append({"notes", "badge"} & api.read("/owners/1").keys())
        chosen.pop(0)
    assert shown == [{"notes"}, set(), {"notes", "badge"}]


KEYS: list[tuple[Any, int]] = [
    ({"id": 2}, 2),
    ({"e_mail": "c@x"}, 3),
    ({"eMail": "d@x"}, 4),
    ({"number": 3, "realm": "r"}, 3),
    ({"realm": "r", "number": 4}, 4),
    ({"id": 1, "tenantId": 1}, 1),
]


@pytest.mark.parametrize("stage", ["start", "auth", "fetch"])
def test_key_set_by_hook_identifies_row(api: ModelApi, owners: Resource, stage: str) -> None:
    now: list[Any] = [None]

    @owners.all.stage(stage).before
    def mine(context: Context) -> None:
        if context.action != "create":
            assert context.path_params == {"id": path.rpartition("/")[2]}
            context.key = now[0]

    path = "/owners/1"
    names = [row["full_name"] for row in ROWS]
    for number, (now[0], row_id) in enumerate(KEYS):
        assert api.read(path)["fullName"] == names[row_id - 1]
        names[row_id - 1] = f"Me{number}"
        assert api.put(path, {"fullName": f"Me{number}"}).json()["id"] == row_id
        stored = api.orm(lambda s: s.scalars(sa.select(Owner.full_name).order_by(Owner.id)).all())
        assert list(stored) == names
        path = "/owners/1" if stage == "fetch" else "/owners/me"
    now[0] = {"eMail": "c@x"}
    assert api.delete(path).json() == {}
    assert api.sql("SELECT id FROM owners ORDER BY id") == [(1,), (2,), (4,)]
    path = "/owners/me"  # At fetch, the path has been parsed already.
    now[0] = {"id": 1}
    assert api.get(path).status_code == (404 if stage == "fetch" else 200)


def test_key_set_by_hook_without_row_is_not_found(api: ModelApi, owners: Resource) -> None:
    key: dict[str, Any] = {"eMail": "nobody@x"}
    owners.all.start(lambda context: setattr(context, "key", key))
    assert api.get("/owners/1").status_code == 404
    key["eMail"] = "c@x"
    assert api.get("/owners/1").status_code == 200
    owners.read.auth(set_to("criteria", {"tenantId": 1}))
    assert api.get("/owners/1").status_code == 404


def test_key_set_by_hook_in_nested_path_stays_below_parent(api: ModelApi, owners: Resource) -> None:
    owners.nested_resources["notes"].read.start(set_to("key", {"id": 2}))
    assert api.read("/owners/1/notes/last")["text"] == "b"
    assert api.get("/owners/2/notes/last").status_code == 404
    assert api.get("/owners/x/notes/last").status_code == 404


def test_conflict_of_row_found_by_other_key_names_referring_columns(
    api: ModelApi, owners: Resource
) -> None:
    owners.delete.auth(set_to("key", {"eMail": "a@x"}))
    assert_field_errors(api.delete("/owners/me"), 409, "notes.ownerId")


def test_hook_of_start_rejects_before_invalid_key_is_parsed(
    api: ModelApi, owners: Resource
) -> None:
    @owners.read.auth
    def refuse(_: Context) -> None:
        raise Forbidden

    assert api.get("/owners/me").status_code == 403
