"""The files of tokens: private, replaced if they cannot be used, and never needed."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from client.tokens.file_cache import OLD_SECONDS, FileTokenCache
from encore.client.token_cache import CachedToken, TokenKey
from tests.client.conftest import Run

KEY = TokenKey("http://localhost/a", "id", "scope", "")
TOKEN = CachedToken("a.b.c", renew_at=1_000.0, expires_at=1_100.0, refresh_token="refresh me")


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path: Path, lines: list[str]) -> FileTokenCache:
    return FileTokenCache(str(tmp_path / "tokens"), "s", echo=lines.append, clock=lambda: 500.0)


def path_of(cache: FileTokenCache) -> Path:
    return Path(cache.path(KEY))


def test_saved_token_is_loaded_by_another_cache_with_the_same_secret(
    cache: FileTokenCache, tmp_path: Path
) -> None:
    assert cache.load(KEY) is None
    cache.save(KEY, TOKEN)
    same = FileTokenCache(str(tmp_path / "tokens"), "s", clock=lambda: 500.0)
    other = FileTokenCache(str(tmp_path / "tokens"), "t", clock=lambda: 500.0)
    assert same.load(KEY) == TOKEN
    assert other.load(KEY) is None
    for field in TokenKey._fields:
        assert same.load(KEY._replace(**{field: "x"})) is None


def test_only_the_owner_can_use_file_and_directory(cache: FileTokenCache, tmp_path: Path) -> None:
    directory = tmp_path / "tokens"
    directory.mkdir(mode=0o755)
    cache.save(KEY, TOKEN)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(path_of(cache).stat().st_mode) == 0o600
    assert "secret" not in path_of(cache).read_text()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_file_of_others_too_is_removed_unread(
    cache: FileTokenCache, lines: list[str], mode: int
) -> None:
    cache.save(KEY, TOKEN)
    path_of(cache).chmod(mode)
    assert cache.load(KEY) is None
    assert not path_of(cache).exists()
    assert "other users could read or write it" in lines[0]


def test_symbolic_link_is_removed_and_its_target_kept(
    cache: FileTokenCache, lines: list[str], tmp_path: Path
) -> None:
    cache.save(KEY, TOKEN)
    target = path_of(cache).rename(tmp_path / "elsewhere")
    path_of(cache).symlink_to(target)
    assert cache.load(KEY) is None
    assert "symbolic link" in lines[0]
    cache.save(KEY, TOKEN)
    assert not path_of(cache).is_symlink()
    assert target.exists()


def test_fifo_is_removed_without_waiting_for_a_writer(
    cache: FileTokenCache, lines: list[str], tmp_path: Path
) -> None:
    (tmp_path / "tokens").mkdir()
    os.mkfifo(path_of(cache), 0o600)
    assert cache.load(KEY) is None
    assert "not a regular file" in lines[0]


def test_directory_that_is_a_link_is_not_used(
    cache: FileTokenCache, lines: list[str], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "tokens").symlink_to(tmp_path / "other")
    assert cache.try_lock(KEY)
    cache.save(KEY, TOKEN)
    cache.unlock(KEY)
    assert list((tmp_path / "other").iterdir()) == []
    assert len(lines) == 1
    assert "symbolic link" in lines[0]


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda content: content[: len(content) // 2],
        lambda content: b"\xff" + content,
        lambda _: b"[" * 100_000,
        lambda _: b"null",
        lambda content: content.replace(b"a.b.c", b"a b"),
        lambda content: content.replace(b"a.b.c", b""),
        lambda content: content.replace(b"a.b.c", b"a\\r\\nb"),
        lambda content: content.replace(b"1000.0", b"NaN"),
        lambda content: content.replace(b"1000.0", b"Infinity"),
        lambda content: content.replace(b"1000.0", b'"1"'),
        lambda content: content.replace(b'"version": 1', b'"version": 2'),
        lambda content: content.replace(b'"client_id": "id"', b'"client_id": "other"'),
        lambda content: content + b" " * 300_000,
    ],
)
def test_damaged_file_has_no_token_and_is_replaced(cache: FileTokenCache, damage: Any) -> None:
    cache.save(KEY, TOKEN)
    path_of(cache).write_bytes(damage(path_of(cache).read_bytes()))
    assert cache.load(KEY) is None
    cache.save(KEY, TOKEN)
    assert cache.load(KEY) == TOKEN


def test_token_of_a_clock_that_was_set_back_is_renewed(
    cache: FileTokenCache, tmp_path: Path
) -> None:
    cache.save(KEY, TOKEN)
    earlier = FileTokenCache(str(tmp_path / "tokens"), "s", clock=lambda: 100.0)
    loaded = earlier.load(KEY)
    assert loaded is not None
    assert (loaded.renew_at, loaded.refresh_token) == (0.0, "refresh me")


def test_one_caller_holds_the_lock(cache: FileTokenCache, tmp_path: Path) -> None:
    other = FileTokenCache(str(tmp_path / "tokens"), "s")
    assert cache.try_lock(KEY)
    assert not other.try_lock(KEY)
    assert other.try_lock(KEY._replace(scope="other"))
    cache.unlock(KEY)
    assert other.try_lock(KEY)


def test_old_files_are_removed_and_logins_are_kept(cache: FileTokenCache, tmp_path: Path) -> None:
    cache.save(KEY, TOKEN)
    directory = tmp_path / "tokens"
    names = ["old.json", "old.lock", "old.json.1a2b.new", "login-old.json", "foreign.txt"]
    for name in names:
        (directory / name).touch()
        os.utime(directory / name, (0, 0))
    late = FileTokenCache(str(directory), "s", clock=lambda: OLD_SECONDS + 1)
    late.save(KEY, TOKEN)
    kept = {path.name for path in directory.iterdir()} - {path_of(cache).name}
    assert kept == {"login-old.json", "foreign.txt"}


def test_directory_that_cannot_be_written_costs_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run("token", XDG_STATE_HOME=str(tmp_path / "file"))
    assert (result.code, result.out.count(".")) == (0, 2)
    assert result.err.startswith("Tokens cannot be kept in ")
    assert result.err.count("\n") == 1


def test_relative_state_directory_is_ignored(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    assert run("token", XDG_STATE_HOME="state", HOME=str(home)).code == 0
    assert len(list((home / ".local/state/encore/tokens").glob("*.json"))) == 1
