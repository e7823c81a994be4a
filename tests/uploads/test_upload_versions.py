"""Uploads of a model with a ``version_id_col`` that SQL counts."""

from typing import Any

import pytest
import sqlalchemy as sa

from encore import ConfigurationError
from encore.extensions import MergeContext, UploadedRow, version_increment
from tests.fixtures.library import assert_field_errors
from tests.fixtures.models import ModelApi, Serve
from tests.fixtures.version_models import Car, VersionBase

DDL = ["CREATE UNIQUE INDEX one_black ON cars (colour) WHERE colour = 'black'"]


@pytest.fixture
def garage(serve: Serve) -> ModelApi:
    api = serve(VersionBase.metadata, DDL)
    api.crud.upload(api.crud.resource(Car), natural_key=["name"])
    return api


def versions(api: ModelApi) -> dict[str, int]:
    return {row["name"]: row["rowVersion"] for row in api.rows(Car)}


def test_upload_counts_changed_rows_only(garage: ModelApi) -> None:
    rows = [{"name": name, "colour": "red"} for name in "abc"]
    garage.post("/cars/upload", rows)
    assert versions(garage) == {"a": 1, "b": 1, "c": 1}
    rows[0]["colour"] = "blue"
    report = garage.post("/cars/upload", [*rows, {"name": "d"}]).json()
    assert [report[name] for name in ("created", "updated", "unchanged")] == [1, 1, 2]
    assert versions(garage) == {"a": 2, "b": 1, "c": 1, "d": 1}


def test_rows_beside_a_rejected_one_are_counted_once(garage: ModelApi) -> None:
    garage.post("/cars/upload", [{"name": name} for name in "abcd"])
    colours = {"a": "red", "b": "black", "c": "black", "d": "red", "e": "red"}
    rows = [{"name": name, "colour": colour} for name, colour in colours.items()]
    report = garage.post("/cars/upload", rows, params={"mode": "partial"}).json()
    assert [report[name] for name in ("created", "updated", "rejected")] == [1, 3, 1]
    assert versions(garage) == {"a": 2, "b": 2, "c": 1, "d": 2, "e": 1}


def test_uploaded_version_is_rejected(garage: ModelApi) -> None:
    response = garage.post("/cars/upload", {"name": "a", "rowVersion": 3})
    assert_field_errors(response, 400, "rowVersion")
    assert versions(garage) == {}


def test_hook_that_sets_the_version_raises(serve: Serve) -> None:
    api = serve(VersionBase.metadata)
    upload = api.crud.upload(api.crud.resource(Car), natural_key=["name"])

    def set_version(row: UploadedRow) -> None:
        row.attributes["count"] = 9

    upload.validate_row(set_version)
    assert api.post("/cars/upload", [{"name": "a"}]).status_code == 500
    assert versions(api) == {}


@pytest.mark.parametrize("source", [Car, Car.__table__])
def test_update_of_a_hook_counts_by_version_increment(serve: Serve, source: Any) -> None:
    api = serve(VersionBase.metadata)
    upload = api.crud.upload(api.crud.resource(Car), natural_key=["name"])

    async def paint(merge: MergeContext) -> None:
        values: dict[Any, Any] = {"colour": "red", **version_increment(Car)}
        await merge.execute(sa.update(source).values(values))

    upload.after_write(paint)
    api.post("/cars/upload", [{"name": "a"}])
    assert versions(api) == {"a": 2}


def test_version_in_only_on_create_stops_start(serve: Serve) -> None:
    api = serve(VersionBase.metadata)
    cars = api.crud.resource(Car)
    with pytest.raises(ConfigurationError, match="'rowVersion' is not uploaded"):
        api.crud.upload(cars, natural_key=["name"], only_on_create=["rowVersion"])
