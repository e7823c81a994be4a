"""Row flags: what ``validate_row`` hooks note of a row for the hooks that see all rows in SQL."""

import pytest

from encore.uploads import MergeContext, UploadedRow
from tests.fixtures.models import Serve
from tests.fixtures.upload_models import Delivery, DepotBase
from tests.fixtures.uploads import NDJSON, ndjson

ROWS = [{"goods": "nails", "weight": 1, "number": str(n), "madeBy": "ada"} for n in range(5)]


@pytest.mark.parametrize("part_rows", [None, 2])
def test_flagged_rows_are_found_in_sql(serve: Serve, part_rows: int | None) -> None:
    api = serve(DepotBase.metadata)
    upload = api.crud.upload(
        api.crud.resource(Delivery),
        natural_key=["number"],
        row_flags=["odd", "last"],
        part_rows=part_rows,
    )

    @upload.validate_row
    def flag(row: UploadedRow) -> None:
        number = int(row.attributes["number"])
        row.flags = tuple(n for n, is_set in (("odd", number % 2), ("last", number == 4)) if is_set)

    @upload.validate_merge
    async def note(merge: MergeContext) -> None:
        staging = merge.staging
        await merge.reject(staging.has_flag("odd") & ~staging.has_flag("last"), "number", "is odd")
        await merge.reject(staging.has_flag("last"), "number", "is last")

    response = api.request(
        "POST",
        upload.path,
        params={"mode": "partial"},
        content=ndjson(ROWS),
        headers={"Content-Type": NDJSON},
    )
    found = [row.get("errors", [{}])[0].get("message") for row in response.json()["rows"]]
    assert found == [None, "is odd", None, "is odd", "is last"]


def test_undeclared_flag_of_a_hook_is_an_error(serve: Serve) -> None:
    api = serve(DepotBase.metadata)
    upload = api.crud.upload(api.crud.resource(Delivery), natural_key=["number"], row_flags=["odd"])

    assert upload.staging.mask_of(["weight"], ["odd"]) > upload.staging.mask_of(["weight"])
    with pytest.raises(AttributeError, match="'even' is not one of the row_flags of this upload"):
        upload.staging.mask_of(["weight"], ["even"])
