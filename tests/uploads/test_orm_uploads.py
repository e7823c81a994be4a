"""Uploads of models that need ORM sessions: validators, events, defaults, versions."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, validates

from encore.uploads import MergeContext
from tests.fixtures.models import ModelApi, Serve


class UploadBase(DeclarativeBase):
    pass


class Animal(UploadBase):
    __tablename__ = "animals"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    tag: Mapped[str] = mapped_column(
        default=lambda context: "tag of " + context.get_current_parameters()["name"]
    )
    facts: Mapped[Any] = mapped_column(sa.JSON, nullable=True)
    version: Mapped[int] = mapped_column()
    __mapper_args__: Any = {  # noqa: RUF012 - SQLAlchemy's form
        "polymorphic_on": "kind",
        "polymorphic_identity": "animal",
        "version_id_col": version,
    }

    @validates("name")
    def check_name(self, _: str, value: str) -> str:
        if value == "bad":
            raise ValueError("is a bad name")
        return value


class Dog(Animal):
    __tablename__ = "dogs"

    id: Mapped[int] = mapped_column(sa.ForeignKey("animals.id"), primary_key=True)
    weight: Mapped[int | None] = mapped_column(sa.CheckConstraint("weight < 100"))
    __mapper_args__: Any = {"polymorphic_identity": "dog"}  # noqa: RUF012


@event.listens_for(Dog, "before_insert")
def _refuse_ghosts(_: Any, __: Any, dog: Dog) -> None:
    if dog.name == "ghost":
        raise ValueError("there are no ghosts")


def kennel(serve: Serve) -> ModelApi:
    api = serve(UploadBase.metadata)
    dogs = api.crud.resource(Dog)
    api.crud.resource(Animal)
    upload = api.crud.upload(dogs, natural_key=["name"])

    @upload.validate_merge
    async def rename(merge: MergeContext) -> None:  # As another request may meanwhile.
        renamed = sa.update(Animal).where(Animal.name == "renamed")
        await merge.execute(renamed.values(name="other"))

    return api


def test_upload_writes_both_tables_and_runs_defaults_and_versions(serve: Serve) -> None:
    api = kennel(serve)
    rows = [{"name": f"d{n}", "weight": n % 50, "facts": {"n": [n]}} for n in range(250)]
    assert api.post("/dogs/upload", rows).json()["created"] == 250
    stored = api.read("/dogs", sort="id", count=1)[0]
    assert stored == {
        "id": 1,
        "name": "d0",
        "kind": "dog",
        "tag": "tag of d0",
        "facts": {"n": [0]},
        "version": 1,
        "weight": 0,
    }
    report = api.post("/dogs/upload", [{"name": "d0", "weight": 7}, {"name": "d1", "weight": 1}])
    assert [report.json()[name] for name in ("created", "updated", "unchanged")] == [0, 1, 1]
    changed = api.read("/dogs/1")
    assert (changed["weight"], changed["version"], changed["tag"]) == (7, 2, "tag of d0")


def test_upload_rejected_by_validators_events_and_constraints_reports_rows(serve: Serve) -> None:
    api = kennel(serve)
    names = ["a", "bad", "b", "ghost", "c", "heavy"]
    rows = [{"name": name, "weight": 200 if name == "heavy" else 1} for name in names]
    report = api.post("/dogs/upload", rows, params={"mode": "partial"}).json()
    assert [row["status"] for row in report["rows"]] == ["created", "rejected"] * 3
    errors = [row["errors"][0] for row in report["rows"] if row["status"] == "rejected"]
    assert errors[0] == {"field": "name", "message": "name is a bad name"}
    assert errors[1]["message"].endswith("there are no ghosts")
    assert [row["name"] for row in api.read("/dogs")] == ["a", "b", "c"]
    refused = api.post("/dogs/upload", rows)
    assert (refused.status_code, len(api.read("/animals"))) == (400, 3)


def test_single_row_of_orm_model_gets_response_of_create(serve: Serve) -> None:
    api = kennel(serve)
    made = api.post("/dogs/upload", {"name": "Rex"})
    assert (made.status_code, made.json()["tag"]) == (201, "tag of Rex")
    assert api.post("/dogs/upload", {"name": "bad"}).status_code == 400


def test_row_whose_stored_key_has_changed_since_is_not_written(serve: Serve) -> None:
    api = kennel(serve)
    names = ["a", "renamed", "b"]
    api.post("/dogs/upload", [{"name": name, "weight": 1} for name in names])
    rows = [{"name": name, "weight": 2} for name in names]
    report = api.post("/dogs/upload", rows, params={"mode": "partial"}).json()
    assert [row["status"] for row in report["rows"]] == ["updated", "rejected", "updated"]
    stored = [(row["name"], row["weight"]) for row in api.read("/dogs", sort="id")]
    assert stored == [("a", 2), ("other", 1), ("b", 2)]
