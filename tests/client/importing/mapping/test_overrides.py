"""``--set``: keys of a mapping on the command line."""

from pathlib import Path

import pytest

from client.importing.mapping.loading import load_mapping
from encore.client.errors import ConfigurationError, UsageError


def test_override_replaces_the_value_of_the_file() -> None:
    mapping = load_mapping(Path("clockify"), ["date_format=%d/%m/%Y", "defaults.project=none"])
    assert mapping.date_formats == ("%d/%m/%Y",)
    assert mapping.defaults == {"project": "none"}
    assert mapping.fields == load_mapping(Path("clockify")).fields


def test_overrides_have_the_types_of_their_keys() -> None:
    mapping = load_mapping(
        Path("harvest"), ["decimal_comma=true", "header=3", "values.project.A=c=d", "source=a=b"]
    )
    assert (mapping.decimal_comma, mapping.header) == (True, 3)
    assert mapping.values["project"] == {"A": "c=d"}
    assert mapping.source == "a=b"


def test_name_in_a_table_may_contain_dots() -> None:
    mapping = load_mapping(Path("toggl"), ["skip.Client=Acme Inc.", "only.a.b=x"])
    assert mapping.skip["Client"] == ("Acme Inc.",)
    assert mapping.only["a.b"] == ("x",)


def test_overrides_need_no_file() -> None:
    assert load_mapping(None, ["time_zone=Asia/Tokyo"]).time_zone == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("time_zone", "must be KEY=VALUE"),
        ("timezone=UTC", "did you mean time_zone"),
        ("decimal_comma=yes", "must be true or false"),
        ("header=x", "must be an integer"),
        ("header=1" + 5000 * "0", "must be an integer"),
        ("defaults=ada", "must be defaults.NAME=VALUE"),
        ("values.user_id=ada", "must be values.NAME.NAME=VALUE"),
        ("time_zone.x=UTC", "is unknown"),
    ],
)
def test_invalid_overrides_are_refused(override: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load_mapping(Path("toggl"), [override])


def test_overridden_mapping_is_validated_as_a_file_is() -> None:
    with pytest.raises(ConfigurationError, match="toggl with --set: time_zone"):
        load_mapping(Path("toggl"), ["time_zone=Mars/Base"])
