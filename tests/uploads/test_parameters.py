"""Query parameters and members of the report that a service declares for an upload."""

import pytest

from encore.openapi.document import make_document
from encore.uploads import MergeContext, UploadContext
from tests.fixtures.openapi import json_schema, resolve, resolved
from tests.fixtures.uploads import DepotApi, assert_problem_type, delivery, statuses


def parse_size(value: str) -> int:
    if not value.isdecimal():
        raise ValueError("must be a number")
    return int(value)


@pytest.fixture
def sized(depot: DepotApi) -> DepotApi:
    """Return a depot with a parameter, and with a member of the report that tells its value."""
    schema = {"type": "string", "pattern": "^[0-9]+$"}
    depot.upload.parameter("size", parse_size, description="A size", schema=schema)
    depot.upload.report_member("size", {"type": ["integer", "null"]})

    @depot.upload.validate_merge
    async def report_size(merge: MergeContext) -> None:
        merge.context.report["size"] = merge.context.request.parameters["size"]

    return depot


@pytest.mark.parametrize("params", [{}, {"mode": "partial"}, {"dry_run": "true"}, {"key": "k"}])
def test_hooks_get_the_parsed_value_and_add_to_the_report(
    sized: DepotApi, params: dict[str, str]
) -> None:
    report = sized.reported([delivery(1)], size="7", **params)
    assert (report["size"], statuses(report)) == (7, ["created"])
    assert sized.reported([delivery(2)])["size"] is None


def test_stored_report_has_the_members(sized: DepotApi) -> None:
    first = sized.send([delivery(1)], size="7", key="k")
    again = sized.send([delivery(1)], size="7", key="k")
    assert (again.content, again.json()["size"]) == (first.content, 7)
    assert_problem_type(sized.send([delivery(1)], size="8", key="k"), 422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("size=", "size must be a number"),
        ("size=x", "size must be a number"),
        ("size=1&size=1", "size may be given once"),
        ("sise=1", "sise is not a parameter of this operation; did you mean size?"),
    ],
)
def test_invalid_value_is_refused(sized: DepotApi, query: str, message: str) -> None:
    response = sized.run(sized.call("POST", f"/deliveries/upload?{query}", content="[]"))
    body = assert_problem_type(response, 400, "invalid-query")
    assert body["errors"][0]["message"] == message


def test_context_says_whether_the_body_is_one_object(depot: DepotApi) -> None:
    seen: list[bool] = []

    @depot.upload.validate_merge
    async def look(merge: MergeContext) -> None:
        context: UploadContext = merge.context
        seen.append(context.is_single)

    depot.send(delivery(1))
    depot.send(delivery(2), dry_run="true")
    depot.send([delivery(3)])
    assert seen == [True, True, False]


def test_taken_name_is_refused(sized: DepotApi) -> None:
    for name in ("mode", "size"):
        with pytest.raises(ValueError, match="has a query parameter"):
            sized.upload.parameter(name, parse_size, description="", schema={})


def test_openapi_describes_parameter_and_member(sized: DepotApi) -> None:
    document = resolved(make_document(sized.app))
    operation = document["paths"]["/deliveries/upload"]["post"]
    parameters = {parameter["name"]: parameter for parameter in operation["parameters"]}
    assert parameters["size"]["schema"]["pattern"] == "^[0-9]+$"
    report = resolve(document, json_schema(operation["responses"]["200"]))
    assert report["properties"]["size"] == {"type": ["integer", "null"]}
