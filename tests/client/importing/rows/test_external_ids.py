"""Natural keys: given or derived, stable for the same file, and unique."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.importing.rows.external_ids import ExternalIds
from client.importing.rows.hash_counter import HashCounter
from client.importing.rows.row_error import RowError
from tests.client.importing.conftest import FakeUploadApi, ImportRun

ROW = "007,2017-05-10,StoreZero,5"
OTHER = "008,2017-05-10,StoreZero,5"


def import_rows(run: ImportRun, path: Path, *rows: str) -> None:
    """Import rows without ids."""
    path.write_text("".join(f"{row}\n" for row in ("user_id,date,project,hours", *rows)))
    assert run(path).code == 0


def test_same_file_without_ids_has_same_entries(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    for _ in range(2):
        import_rows(run, path, ROW, OTHER, ROW)
        assert len(api.entries) == 3


def test_equal_rows_are_separate_entries(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    import_rows(run, path, ROW, ROW)
    first = dict(api.entries)
    import_rows(run, path, ROW, OTHER, ROW, ROW)
    assert len(api.entries) == 4
    assert first.items() <= api.entries.items()


def test_derived_id_ignores_spaces_around_cells(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    import_rows(run, path, ROW)
    import_rows(run, path, "007 ,2017-05-10, StoreZero,5")
    assert len(api.entries) == 1


def test_text_around_a_column_keeps_derived_ids(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(f"user_id,date,project,hours\n{ROW}\n")
    fields = "[fields]\nuser_id = '{}'\nproject = 'project'\ndate = 'date'\nhours = 'hours'\n"
    for user in ("user_id", "{user_id}", "U-{user_id}"):
        (tmp_path / "m.toml").write_text(fields.replace("{}", user))
        assert run(tmp_path / "a.csv", "--mapping", tmp_path / "m.toml").code == 0
    assert [entry["user_id"] for entry in api.entries.values()] == ["U-007"]


def test_duplicate_external_id_is_rejected_across_batches(
    run: ImportRun, api: FakeUploadApi, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    rows = [f"007,2017-05-10,StoreZero,{hours},E1" for hours in (5, 6)]
    path.write_text("\n".join(["user_id,date,project,hours,external_id", *rows]))
    for size in ("1", "2"):
        result = run(path, "--batch-size", size)
        assert result.code == 3
        assert "1 rejected" in result.err
    assert [entry["hours"] for entry in api.entries.values()] == [5]


def test_same_id_with_another_source_is_accepted() -> None:
    external_ids = ExternalIds("tempus")
    external_ids.assign({"external_id": "E1"}, list)
    external_ids.assign({"external_id": "E1", "source": "other"}, list)
    with pytest.raises(RowError, match="duplicate external_id 'E1'"):
        external_ids.assign({"external_id": "E1", "source": "tempus"}, list)


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 50), max_size=300))
def test_hash_counter_equals_counter(numbers: list[int]) -> None:
    hash_counter, counter = HashCounter(), Counter[int]()
    for number in numbers:
        assert hash_counter.add(number) == counter[number]
        counter[number] += 1


def test_hash_counter_grows() -> None:
    hash_counter = HashCounter()
    # Distributed like hashes.
    numbers = [number * 0x9E3779B97F4A7C15 % 2**64 for number in range(10_000)]
    assert [hash_counter.add(number) for number in numbers] == [0] * 10_000
    assert [hash_counter.add(number) for number in numbers] == [1] * 10_000


def test_hash_counter_counts_beyond_a_byte() -> None:
    hash_counter = HashCounter()
    assert [hash_counter.add(7) for _ in range(1000)] == list(range(1000))
    assert hash_counter.add(7 + (1 << 40)) == 0
