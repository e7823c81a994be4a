"""Files as bodies."""

from pathlib import Path

import pytest

from client.requesting.files import FileBody
from encore.client.errors import UsageError


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 200_000])
def test_file_body_is_the_file_each_time(tmp_path: Path, size: int) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x" * size)
    body = FileBody(str(file), size)
    assert [b"".join(body), b"".join(body)] == [b"x" * size] * 2


@pytest.mark.parametrize("size", [0, 99_999, 100_001, 300_000])
def test_file_that_has_changed_is_not_sent_to_its_end(tmp_path: Path, size: int) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x" * size)
    sent: list[bytes] = []
    with pytest.raises(UsageError, match="has changed"):
        sent.extend(FileBody(str(file), 100_000))
    assert len(b"".join(sent)) < 100_000
