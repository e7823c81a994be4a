"""Mappings that a program builds are validated like files."""

from pathlib import Path
from typing import Any

import pytest

from client.importing import FieldMapping, FileSource, ImportJob, ImportSettings
from client.importing.mapping.loading import check_mapping
from encore.client.errors import ConfigurationError

FIELDS = {"user_id": "U", "project": "P", "date": "D", "hours": "H"}


@pytest.mark.parametrize(
    "mapping",
    [
        {},
        {"fields": FIELDS, "date_format": ("%d.%m.%Y", ""), "time_zone": "Europe/Berlin"},
        {"fields": FIELDS, "skip": {"A": "x"}, "only": {"B": ("y", "z*")}},
        {"fields": FIELDS, "values": {"user_id": {"a": 1}}, "extract": {"project": "(.)"}},
    ],
)
def test_valid_mapping_is_accepted(mapping: dict[str, Any]) -> None:
    check_mapping(FieldMapping(**mapping))


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"fields": {**FIELDS, "end": "E"}}, "[fields] end and [fields] hours exclude each other"),
        ({"unit": "minute"}, "unit 'minute' is unknown"),
        ({"time_zone": "Europe/Bern"}, "time_zone 'Europe/Bern' is not known"),
        ({"skip": {"A": ("[ab",)}}, "[skip] 'A' = '[ab' has a [ that is not closed"),
    ],
)
def test_invalid_mapping_is_rejected_before_anything_is_read(
    settings: ImportSettings, mapping: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        ImportJob(FileSource(Path("missing.csv")), settings, FieldMapping(**mapping))
    assert f"The mapping: {words}" in str(refusal.value)
