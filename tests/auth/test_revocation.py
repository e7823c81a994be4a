"""``RevocationList``: rewriting its file, as editors and scripts do it."""

import os
from pathlib import Path

import pytest

from encore.auth.revocation import RevocationList


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "revoked.txt"


@pytest.fixture
def revoked(file: Path) -> RevocationList:
    """Return a list that has read AT.1 and AT.2."""
    file.write_text("AT.1\nAT.2\n")
    revoked = RevocationList(file)
    revoked.read()
    return revoked


def _ids(revoked: RevocationList) -> set[str]:
    return {jti for jti in ("AT.1", "AT.2", "AT.3") if revoked({"jti": jti})}


@pytest.mark.parametrize("truncated", ["", "\n", "# written by an editor\n", "AT.1\n", "AT.1\nAT"])
def test_ids_missing_for_one_reading_stay_revoked(
    revoked: RevocationList, file: Path, truncated: str
) -> None:
    file.write_text(truncated)
    revoked.read()
    assert _ids(revoked) == {"AT.1", "AT.2"}
    file.write_text("AT.1\nAT.2\nAT.3\n")
    revoked.read()
    assert _ids(revoked) == {"AT.1", "AT.2", "AT.3"}


def test_ids_missing_for_two_readings_are_valid_again(revoked: RevocationList, file: Path) -> None:
    file.write_text("")
    revoked.read()
    revoked.read()
    assert _ids(revoked) == set()
    assert len(revoked) == 0


def test_ids_missing_from_a_file_that_changes_at_each_reading_are_valid_again(
    revoked: RevocationList, file: Path
) -> None:
    for number in range(2):
        file.write_text(f"AT.2\nother-{number}\n")
        revoked.read()
    assert _ids(revoked) == {"AT.2"}


def test_change_with_same_size_inode_and_times_is_seen(revoked: RevocationList, file: Path) -> None:
    before = file.stat()
    with file.open("r+") as opened:  # No truncation: the inode stays.
        opened.write("AT.3")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = file.stat()
    assert (after.st_size, after.st_ino) == (before.st_size, before.st_ino)
    assert after.st_mtime_ns == before.st_mtime_ns
    revoked.read()
    assert "AT.3" in _ids(revoked)
    revoked.read()
    assert _ids(revoked) == {"AT.2", "AT.3"}


def test_unreadable_file_after_a_truncated_one_keeps_the_ids(
    revoked: RevocationList, file: Path
) -> None:
    file.write_bytes(b"\xff\n")
    with pytest.raises(ValueError, match="utf-8"):
        revoked.read()
    assert _ids(revoked) == {"AT.1", "AT.2"}
