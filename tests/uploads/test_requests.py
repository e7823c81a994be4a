"""The requests of uploads: media types, parameters, malformed bodies, options."""

import json
import re
from typing import Any

import pytest

from encore import ConfigurationError
from encore.openapi.document import make_document
from tests.fixtures.openapi import json_schema, resolve, resolved
from tests.fixtures.upload_models import Delivery, Site
from tests.fixtures.uploads import (
    CSV,
    NDJSON,
    DepotApi,
    assert_problem_type,
    delivery,
    ndjson,
    statuses,
)

GOOD = ndjson([delivery(1)])
HEADER = "goods,weight,origin,number\n"


@pytest.mark.parametrize(
    "kind",
    [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl; charset=utf-8",
        'Application/X-NDJSON; charset="UTF-8"',
    ],
)
def test_ndjson_media_type_aliases_are_accepted(depot: DepotApi, kind: str) -> None:
    assert statuses(depot.reported(GOOD, kind)) == ["created"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/json; charset=latin-1", "text/csv; header=absent", "", "x"]
)
def test_unsupported_media_type_is_rejected_before_body_is_read(depot: DepotApi, kind: str) -> None:
    response = depot.send("x" * 9_000_000, kind)
    assert_problem_type(response, 415, "unsupported-media-type")
    assert response.headers["accept"] == "application/json, application/x-ndjson, text/csv"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"mode": "some"}, "mode"),
        ({"dry_run": "yes"}, "dry_run"),
        ({"report": ""}, "report"),
        ({"dryrun": "true"}, "dryrun"),
    ],
)
def test_unknown_parameter_or_value_is_rejected(
    depot: DepotApi, params: dict[str, str], field: str
) -> None:
    body = assert_problem_type(depot.send(GOOD, NDJSON, **params), 400, "invalid-query")
    assert [error["field"] for error in body["errors"]] == [field]


@pytest.mark.parametrize("query", ["mode=atomic&mode=atomic", "mode=%ff", "&" * 500 + "x=1"])
def test_ambiguous_query_is_rejected(depot: DepotApi, query: str) -> None:
    response = depot.request("POST", f"/deliveries/upload?{query}", content=b"[]")
    assert_problem_type(response, 400, "invalid-query")


def test_body_over_limit_is_rejected(depot: DepotApi) -> None:
    body = assert_problem_type(depot.send(b" " * 8_000_001, NDJSON), 413, "payload-too-large")
    assert "8000000 bytes" in body["message"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", ""),
        ("application/json", "7"),
        ("application/json", "[{}"),
        ("application/json", "[{},]"),
        ("application/json", "[{}] x"),
        ("application/json", "[{} {}]"),
        ("application/json", '[{"goods": NaN}]'),
        ("application/json", '[{"goods": "a", "goods": "b"}]'),
        ("application/json", '[{"goods": ' + "[" * 100_000),
        ("application/json", '[{"weight": ' + "1" * 5_000 + "}]"),
        ("application/json", '[{"a": "' + "x" * 1_100_000 + '"}]'),
        ("application/json", '{"a": "' + "x" * 1_100_000 + '"}'),
        ("application/json", b'[{"goods": "\xff"}]'),
        ("application/json", '[{"goods": "tea"}]'.encode("utf-16")),
        ("application/json", '[{"\\ud800": 1}]'),
        (CSV, ""),
        (CSV, "\n"),
        (CSV, "goods,weigth\ntea,1\n"),
        (CSV, "goods,goods\ntea,tea\n"),
        (CSV, HEADER + 'tea,1,"a,b\n'),
        (CSV, HEADER + 'tea,1,"a"b,c\n'),
        (CSV, HEADER.encode() + b"\xff,1,a,b\n"),
        (CSV, (HEADER + "tea,1,a,b\n").encode("utf-16")),
        (CSV, HEADER + "x" * 1_100_000),
        (CSV, HEADER + '"' + "x\n" * 200_000),
        (CSV, "\x00,goods\na,b\n"),
    ],
)
@pytest.mark.parametrize("mode", ["atomic", "partial"])
def test_malformed_body_is_rejected(
    depot: DepotApi, kind: str, body: str | bytes, mode: str
) -> None:
    assert_problem_type(depot.send(body, kind, mode=mode), 400, "malformed-body")
    assert depot.rows(Delivery) == []


def test_malformed_body_writes_no_rows_before_error(depot: DepotApi) -> None:
    rows = ",".join(json.dumps(delivery(n)) for n in range(1_000))
    assert_problem_type(depot.send(f"[{rows}", mode="partial"), 400, "malformed-body")
    assert depot.rows(Delivery) == []


def test_unknown_column_is_rejected_with_suggestion(depot: DepotApi) -> None:
    body = assert_problem_type(depot.send("goods,weigth\n", CSV), 400, "malformed-body")
    assert body["errors"] == [
        {"field": "weigth", "message": "weigth is not a field; did you mean weight?"}
    ]


def test_error_never_names_hidden_field_and_write_only_field_is_written(depot: DepotApi) -> None:
    assert "secret" not in depot.send("secre\n", CSV).text
    depot.reported("goods,weight,secret\ntea,1,psst\n", CSV)
    assert depot.rows(Delivery)[0]["secret"] == "psst"


@pytest.mark.parametrize(
    ("line", "field", "message"),
    [
        ("{", "", "The row is not JSON: "),
        ("[1]", "", "The row must be a JSON object"),
        ("null", "", "The row must be a JSON object"),
        ('{"goods": NaN}', "", "The row is not JSON: NaN is not a JSON number"),
        ('{"goods": "a", "goods": "b"}', "goods", "goods is given twice"),
        ('{"goods": ' + "[" * 100_000, "", "The row is nested too deeply"),
        ('{"goods": "' + "x" * 1_100_000 + '"}', "", "The row is longer than 1048576 bytes"),
        (b"\xff", "", "The row is not UTF-8 at byte 0"),
        ('{"weight": 1, "goods": "\\u0000"}', "goods", "goods must not contain a NUL character"),
        ('{"weight": 1, "goods": "\\ud800"}', "goods", "goods must be valid Unicode"),
        ('{"weight": 1, "goods": ["x"]}', "goods", "goods cannot be an array or an object"),
        ('{"weight": true, "goods": "x"}', "weight", "weight must be a decimal number"),
    ],
)
def test_invalid_ndjson_line_rejects_one_row(
    depot: DepotApi, line: str | bytes, field: str, message: str
) -> None:
    bad = line if isinstance(line, bytes) else line.encode()
    body = GOOD.encode() + b"\r\n" + bad + b"\r\n" + ndjson([delivery(2)]).encode()
    report = depot.reported(body, NDJSON, mode="partial")
    assert [(row["line"], row["status"]) for row in report["rows"]] == [
        (1, "created"),
        (3, "rejected"),
        (4, "created"),
    ]
    (error,) = report["rows"][1]["errors"]
    assert error["field"] == field
    assert error["message"].startswith(message)


def test_csv_row_with_wrong_number_of_cells_is_rejected(depot: DepotApi) -> None:
    report = depot.reported(HEADER + "tea,1\n\ntea,1,a,b\ntea,1,a,c,\n", CSV, mode="partial")
    assert [(row["line"], row["status"]) for row in report["rows"]] == [
        (2, "rejected"),
        (4, "created"),
        (5, "rejected"),
    ]
    assert report["rows"][0]["errors"] == [{"field": "", "message": "The row has 2 cells, not 4"}]


def test_csv_with_bom_quoted_newlines_and_empty_cells_is_read(depot: DepotApi) -> None:
    text = (
        'goods,weight,remark,origin,number,locked\r\n"a ""tea""",1,"x\r\ny",a,b,\r\ntea,2,,a,c,\r\n'
    )
    report = depot.reported(b"\xef\xbb\xbf" + text.encode(), CSV)
    assert [row["line"] for row in report["rows"]] == [2, 4]
    stored = [(row["goods"], row["remark"]) for row in depot.rows(Delivery)]
    assert stored == [('a "tea"', "x\r\ny"), ("tea", None)]


def test_csv_string_longer_than_column_is_rejected(depot: DepotApi) -> None:
    report = depot.reported(HEADER + "x" * 21 + ",1,a,b\n", CSV, mode="partial")
    assert report["rows"][0]["errors"] == [
        {"field": "goods", "message": "goods must be at most 20 characters long, not 21"}
    ]


@pytest.mark.parametrize(
    ("kind", "body"),
    [("application/json", " [ ] "), (NDJSON, ""), (NDJSON, "\n \n"), (CSV, HEADER)],
)
def test_body_without_rows_is_valid(depot: DepotApi, kind: str, body: str) -> None:
    assert depot.reported(body, kind)["rows"] == []


def test_openapi_describes_formats_parameters_and_responses(depot: DepotApi) -> None:
    document = resolved(make_document(depot.app))
    operation = document["paths"]["/deliveries/upload"]["post"]
    assert list(operation["requestBody"]["content"]) == ["application/json", NDJSON, CSV]
    names = [parameter["name"] for parameter in operation["parameters"]]
    assert names == ["mode", "dry_run", "report", "key", "Idempotency-Key"]
    key = operation["parameters"][3]["schema"]
    assert key == {"type": "string", "enum": ["origin,number"], "default": "origin,number"}
    assert {"200", "201", "400", "409", "413", "415", "422", "503"} <= set(operation["responses"])
    one = resolve(document, json_schema(operation["responses"]["201"]))["properties"]
    assert "goods" in one
    assert "secret" not in one


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"natural_key": ("nothing",)}, "option natural_key: 'nothing' is not one of"),
        ({"natural_key": ()}, "option natural_key: must name a field"),
        ({"natural_key": ("goods",), "only_on_create": ("x",)}, "option only_on_create: 'x' is"),
        ({"natural_key": ("id",)}, "option natural_key: 'id' is not a field that can identify"),
        (
            {"natural_key": ("goods",), "only_on_create": ("id",)},
            "option only_on_create: 'id' is not uploaded",
        ),
        ({"natural_key": ("goods",), "limit": "10"}, "option limit: must be an integer"),
        (
            {"natural_key": ("goods",), "limit": -1},
            "option limit: must be an integer of at least 0",
        ),
    ],
)
def test_invalid_option_raises_configuration_error(
    depot: DepotApi, options: dict[str, Any], text: str
) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(text)):
        depot.crud.upload(depot.upload.resource, **options)


def test_model_without_generated_key_raises_configuration_error(depot: DepotApi) -> None:
    with pytest.raises(ConfigurationError, match="one primary key column, generated"):
        depot.crud.upload(depot.crud.resource(Site), natural_key=("code",))
