"""Hooks of streams: those that run once, those that run for each page, and unsupported ones."""

import csv
import io
import json
from collections import Counter
from typing import Any

import httpx
import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from encore import SKIP, Context, Resource, Response, stop
from encore.errors import BadRequest
from encore.http.error_handling import ResponseAborted
from tests.fixtures.models import ModelApi, Serve

CSV = {"Accept": "text/csv", "Accept-Encoding": "identity"}
NDJSON = {"Accept": "application/x-ndjson", "Accept-Encoding": "identity"}
ROWS = 1_500
"""More than one page has in the beginning."""


class Base(DeclarativeBase):
    pass


class Part(Base):
    __tablename__ = "parts"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    owner: Mapped[str]


@pytest.fixture
def served(serve: Serve) -> tuple[ModelApi, Resource]:
    api = serve(Base.metadata)
    parts = api.crud.resource(Part, exclude_attributes=["owner"])

    def fill(session: Session) -> None:
        session.add_all(Part(name=f"part {n}", owner="ab"[n % 2]) for n in range(ROWS))

    api.orm(fill)
    return api, parts


def lines(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.text.splitlines()]


def assert_cut_off(api: ModelApi, path: str = "/parts") -> None:
    with pytest.raises(ResponseAborted):
        api.get(path, headers=NDJSON)


def test_stream_runs_hooks_of_start_and_complete_once_and_others_for_each_page(
    served: tuple[ModelApi, Resource],
) -> None:
    api, parts = served
    runs: Counter[str] = Counter()
    seen: list[int] = []

    def count(name: str) -> Any:
        def hook(context: Context) -> None:
            runs[name] += 1
            if name == "data":
                seen.extend(record.id for record in context.instance)
            if name == "complete":
                assert context.error is None

        return hook

    for name in ("start", "auth", "fetch", "data", "write", "send", "complete"):
        getattr(parts.list, name).before(count(name))
    assert len(lines(api.get("/parts", headers=NDJSON))) == ROWS
    assert [runs[name] for name in ("start", "auth", "complete")] == [1, 1, 1]
    pages = runs["fetch"]
    assert pages > 2
    assert [runs[name] for name in ("data", "write", "send")] == [pages] * 3
    assert seen == sorted(set(seen))
    assert len(seen) == ROWS


def test_stream_has_only_rows_that_meet_the_criteria_of_hooks(
    served: tuple[ModelApi, Resource],
) -> None:
    api, parts = served

    @parts.list.start.before
    def of_tenant(context: Context) -> None:
        context.criteria["owner"] = "a"

    @parts.list.fetch.before
    async def first_half(context: Context) -> None:
        context.criteria = Part.id <= ROWS // 2
        assert await context.orm(lambda session: session.get(Part, 1)) is not None

    expected = [n for n in range(1, ROWS // 2 + 1) if n % 2]
    assert [row["id"] for row in lines(api.get("/parts", headers=NDJSON))] == expected
    assert len(api.get("/parts", headers=CSV).text.splitlines()) == len(expected) + 1


def test_stream_shows_what_hooks_make_of_its_rows(served: tuple[ModelApi, Resource]) -> None:
    api, parts = served

    @parts.list.data.after
    def rework(context: Context) -> None:
        context.options["passed"] = context.options.get("passed", 0) + len(context.instance)
        kept = [record for record in context.instance if record.id % 3]
        for record in kept:
            record["owned_by"] = f"={record.owner}"
            if record.id == 1:
                del record["name"]
        context.instance = [dict(one) if one.id % 2 else one for one in kept]

    @parts.list.complete.before
    def check(context: Context) -> None:
        assert context.options["passed"] == ROWS

    rows = lines(api.get("/parts", headers=NDJSON))
    assert len(rows) == ROWS - ROWS // 3
    assert rows[:2] == [{"id": 1, "owned_by": "=a"}, {"id": 2, "name": "part 1", "owned_by": "=b"}]
    table = list(csv.reader(io.StringIO(api.get("/parts", headers=CSV).text, newline="")))
    assert table[:3] == [["id", "name", "owned_by"], ["1", "", "'=a"], ["2", "part 1", "'=b"]]
    assert len(table) == 1 + len(rows)


def test_csv_stream_with_new_member_on_a_later_page_is_closed(
    served: tuple[ModelApi, Resource],
) -> None:
    api, parts = served

    @parts.list.data.after
    def rework(context: Context) -> None:
        if context.instance[-1].id > ROWS // 2:
            context.instance[-1]["last"] = True

    assert sum("last" in row for row in lines(api.get("/parts", headers=NDJSON))) >= 1
    with pytest.raises(ResponseAborted):
        api.get("/parts", headers=CSV)


def test_hooks_answer_in_place_of_a_stream_that_has_not_begun(
    served: tuple[ModelApi, Resource],
) -> None:
    api, parts = served
    completed: list[Any] = []

    @parts.list.fetch.before
    def answer(context: Context) -> Any:
        match context.scope["query_string"]:
            case b"name=stop":
                return stop(Response(202, [(b"content-type", b"text/plain")], b"later"))
            case b"name=refuse":
                raise BadRequest("Not these")
        return None

    @parts.list.complete.before
    def complete(context: Context) -> None:
        completed.append(context.error and context.error.message)

    stopped = api.get("/parts?name=stop", headers=CSV)
    assert (stopped.status_code, stopped.text) == (202, "later")
    assert "content-disposition" not in stopped.headers
    refused = api.get("/parts?name=refuse", headers=CSV)
    assert (refused.status_code, refused.json()["detail"]) == (400, "Not these")
    assert completed == [None, "Not these"]


@pytest.mark.parametrize("how", ["refuse", "stop", "skip", "envelope", "complete"])
def test_stream_that_has_begun_is_cut_off_by_what_hooks_answer(
    served: tuple[ModelApi, Resource], how: str
) -> None:
    api, parts = served
    errors: list[Any] = []

    @parts.list.data.before
    def late(context: Context) -> Any:
        if context.instance[-1].id < ROWS // 2:
            return None
        match how:
            case "refuse":
                raise BadRequest("No more")
            case "stop":
                return stop(Response(200, [], b"whole"))
            case "envelope":
                context.instance = {"rows": context.instance}
        return None

    @parts.list.send.before
    def skip(context: Context) -> Any:
        late_page = context.rows[-1][0] >= ROWS // 2
        return SKIP if late_page and how == "skip" else None

    @parts.list.complete.before
    def complete(context: Context) -> Any:
        errors.append(context.error)
        if how == "complete" and context.error is None:
            return stop(Response(200, [], b"whole"))
        return None

    assert_cut_off(api)
    assert errors[-1] is not None


def test_stream_with_hooks_that_return_no_rows_is_rejected(
    served: tuple[ModelApi, Resource],
) -> None:
    api, parts = served

    @parts.list.start.before
    def choose(context: Context) -> None:
        if context.scope["query_string"] == b"name=count":
            context.count = 10

    @parts.list.fetch.before
    def skip(context: Context) -> Any:
        if context.scope["query_string"] == b"name=skip":
            context.instance = []
            return SKIP
        return None

    @parts.list.data.after
    def wrap(context: Context) -> None:
        if context.scope["query_string"] == b"name=wrap":
            context.instance = {"rows": context.instance}

    for name in ("count", "skip", "wrap"):
        assert api.get(f"/parts?name={name}").status_code == 200
        refused = api.get(f"/parts?name={name}", headers=CSV)
        assert refused.status_code == 406, (name, refused.text)
        assert "it is available as application/json only" in refused.json()["detail"]


def test_list_whose_hooks_answer_has_no_streams(served: tuple[ModelApi, Resource]) -> None:
    api, parts = served

    @parts.list.send.after
    def answer(context: Context) -> None:
        context.body = b"a hook's"

    assert api.get("/parts", headers=CSV).text == "a hook's"


def test_list_whose_hook_fetches_its_rows_answers_with_json_alone(
    served: tuple[ModelApi, Resource],
) -> None:
    api, parts = served

    @parts.list.fetch.replace
    def fetch(context: Context) -> None:
        context.instance = []

    assert api.get("/parts").json() == []
    refused = api.get("/parts", headers=CSV)
    assert refused.status_code == 406
    assert "This operation produces application/json, " in refused.json()["detail"]
