"""Uploads that fail after their commit say that their rows are written."""

import tempfile
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from encore.database.sqlite import SqliteDatabase
from encore.uploads import responses
from tests.fixtures.upload_models import Delivery
from tests.fixtures.uploads import DepotApi, assert_problem_type, delivery
from tests.fixtures.uploads import depot as depot  # noqa: PLC0414 - a fixture
from tests.fixtures.uploads import depot_url as depot_url  # noqa: PLC0414 - a fixture

NO_SPACE = "There is no space for the report of this upload now"


@pytest.fixture
def no_space(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Write reports to a directory that does not exist."""
    spool = partial(tempfile.SpooledTemporaryFile, max_size=1, dir=str(tmp_path / "gone"))
    monkeypatch.setattr(responses, "new_spool", spool)


@pytest.mark.usefixtures("no_space")
def test_upload_without_space_for_report_is_503_that_says_rows_are_written(
    depot: DepotApi,
) -> None:
    response = depot.send([delivery(1), delivery(2)])
    message = f"{NO_SPACE}; the rows are written, only the report failed"
    assert assert_problem_type(response, 503, "service-unavailable")["message"] == message
    assert "retry-after" not in response.headers
    assert len(depot.rows(Delivery)) == 2


@pytest.mark.usefixtures("no_space")
@pytest.mark.parametrize("options", [{"dry_run": "true"}, {"key": "a-key"}])
def test_upload_that_wrote_nothing_before_report_failed_may_be_retried(
    depot: DepotApi, options: dict[str, str]
) -> None:
    response = depot.send([delivery(1), delivery(2)], **options)
    assert assert_problem_type(response, 503, "service-unavailable")["message"] == NO_SPACE
    assert response.headers["retry-after"] == "60"
    assert not depot.rows(Delivery)


def test_temporary_table_that_cannot_be_dropped_does_not_change_result(
    depot: DepotApi,
) -> None:
    if not isinstance(depot.database, SqliteDatabase):
        pytest.skip("tests/faults/test_postgres_pool.py has PostgreSQL's")
    stage = sa.Table("stage", sa.MetaData(), sa.Column("id", sa.Integer), prefixes=["TEMPORARY"])

    async def use_tables() -> None:
        async with depot.database.bulk() as bulk, bulk.temporary(stage):
            await bulk.orm(lambda session: session.execute(sa.text("PRAGMA query_only = 1")))
        async with depot.database.bulk() as bulk, bulk.temporary(stage):
            await bulk.load(stage, iter([[(1,)]]))

    depot.run(use_tables())
