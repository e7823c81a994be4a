"""The state directory and its files are their owner's alone, and no symbolic link is followed."""

import os
import stat
from pathlib import Path

import pytest

from tests.client.importing.conftest import FakeUploadApi, Fault, ImportRun, csv_of, plain_rows

TOO_MANY = "007,2017-05-10,StoreZero,25,E9"
OTHER_USER = 12345

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A source with a rejected row."""
    path = tmp_path / "a.csv"
    path.write_text(csv_of(*plain_rows(3), TOO_MANY))
    return path


def interrupt(run: ImportRun, api: FakeUploadApi, path: Path) -> None:
    """Leave all files of a run that has written a rejected row."""
    api.faults += [None, None, Fault(400)]
    path.write_text(csv_of(TOO_MANY, *plain_rows(5)))
    assert run(path, "--batch-size", "2").code == 7


def test_state_is_created_for_its_owner_only(
    run: ImportRun, api: FakeUploadApi, path: Path
) -> None:
    before = os.umask(0)
    try:
        interrupt(run, api, path)
    finally:
        os.umask(before)
    assert mode(run.state) == 0o700
    files = sorted(run.state.iterdir())
    assert [file.name for file in files] == ["a.csv.json", "a.csv.lock", "a.csv.rejected.csv"]
    assert {mode(file) for file in files} == {0o600}


def test_state_of_an_earlier_version_is_made_private(
    run: ImportRun, api: FakeUploadApi, path: Path
) -> None:
    interrupt(run, api, path)
    run.state.chmod(0o755)
    for file in run.state.iterdir():
        file.chmod(0o644)
    api.faults.append(Fault(400))
    assert run(path, "--batch-size", "2").code == 7
    assert mode(run.state) == 0o700
    assert {mode(file) for file in run.state.iterdir()} == {0o600}


def test_directory_with_other_files_keeps_its_mode(run: ImportRun, path: Path) -> None:
    run.state.mkdir(mode=0o755)
    (run.state / "notes.txt").write_text("")
    assert run(path).code == 3
    assert mode(run.state) == 0o755
    assert mode(run.state / "a.csv.rejected.csv") == 0o600


def test_directory_with_other_files_that_others_write_to_is_refused(
    run: ImportRun, api: FakeUploadApi, path: Path
) -> None:
    run.state.mkdir()
    run.state.chmod(0o777)
    (run.state / "notes.txt").write_text("")
    result = run(path)
    assert (result.code, api.requests) == (10, [])
    assert "Other users can write to " in result.err


@pytest.mark.parametrize("name", ["a.csv.json", "a.csv.lock", "a.csv.rejected.csv"])
def test_symbolic_link_in_state_is_not_followed(
    run: ImportRun, api: FakeUploadApi, path: Path, tmp_path: Path, name: str
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    run.state.mkdir()
    (run.state / name).symlink_to(victim)
    result = run(path)
    assert (result.code, api.requests) == (10, [])
    assert f"{name} is a symbolic link, which is not followed" in result.err
    assert victim.read_text() == "kept"
    assert mode(victim) != 0o600


def test_symbolic_link_at_the_temporary_checkpoint_is_replaced(
    run: ImportRun, path: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    run.state.mkdir()
    (run.state / "a.csv.json.new").symlink_to(victim)
    assert run(path).code == 3
    assert victim.read_text() == "kept"


def test_default_directory_that_is_a_symbolic_link_is_refused(
    run: ImportRun, api: FakeUploadApi, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".import").symlink_to(tmp_path / "elsewhere")
    result = run(path, "--state", ".import")
    assert (result.code, api.requests) == (10, [])
    assert ".import is a symbolic link, which is not followed" in result.err
    assert not list((tmp_path / "elsewhere").iterdir())


def test_named_directory_may_be_a_symbolic_link(run: ImportRun, path: Path, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir(mode=0o700)
    (tmp_path / "linked").symlink_to(tmp_path / "private")
    assert run(path, "--state", tmp_path / "linked").code == 3
    assert (tmp_path / "private" / "a.csv.rejected.csv").exists()


@as_root
def test_directory_of_another_user_is_refused(
    run: ImportRun, api: FakeUploadApi, path: Path
) -> None:
    run.state.mkdir()
    os.chown(run.state, OTHER_USER, OTHER_USER)
    result = run(path)
    assert (result.code, api.requests) == (10, [])
    assert "belongs to another user" in result.err


@as_root
@pytest.mark.parametrize("name", ["a.csv.json", "a.csv.lock", "a.csv.rejected.csv"])
def test_file_of_another_user_is_refused(
    run: ImportRun, api: FakeUploadApi, path: Path, name: str
) -> None:
    run.state.mkdir()
    (run.state / name).write_text("")
    os.chown(run.state / name, OTHER_USER, OTHER_USER)
    result = run(path)
    assert (result.code, api.requests) == (10, [])
    assert "belongs to another user" in result.err


def test_named_rejected_file_is_private_and_no_link_is_followed(
    run: ImportRun, path: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    for arguments in ([], ["--dry-run"]):
        assert run(path, "--rejected", tmp_path / "no.csv", *arguments).code == 3
        assert mode(tmp_path / "no.csv") == 0o600
        (tmp_path / "no.csv").unlink()
        (tmp_path / "no.csv").symlink_to(victim)
        result = run(path, "--rejected", tmp_path / "no.csv", *arguments)
        assert result.code == 10
        assert "no.csv is a symbolic link, which is not followed" in result.err
        (tmp_path / "no.csv").unlink()
    assert victim.read_text() == "kept"


def test_rejected_file_that_is_a_device_is_refused_and_kept(
    run: ImportRun, path: Path, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    result = run(path, "--rejected", tmp_path / "pipe")
    assert result.code == 10
    assert "is not a regular file" in result.err
    assert (tmp_path / "pipe").exists()
