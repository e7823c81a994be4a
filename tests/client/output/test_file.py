"""Files of --output: complete or not there, with the permissions of what they replace."""

import os
from pathlib import Path
from typing import Any

import pytest

from client.output.file import OutputFile
from encore.client.errors import UsageError


def test_link_and_permissions_are_kept(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    file = OutputFile(str(link))
    file.write("é")
    file.write(b"\xff")
    assert target.read_text() == "old"
    file.commit()
    file.discard()
    assert link.is_symlink()
    assert target.read_bytes() == b"\xc3\xa9\xff"
    assert target.stat().st_mode & 0o777 == 0o640


def test_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    file, plain = OutputFile(str(tmp_path / "new")), tmp_path / "plain"
    file.commit()
    plain.touch()
    assert (tmp_path / "new").stat().st_mode == plain.stat().st_mode


def test_discarded_file_leaves_nothing(tmp_path: Path) -> None:
    file = OutputFile(str(tmp_path / "new"))
    file.write("x")
    file.discard()
    assert list(tmp_path.iterdir()) == []


def test_device_is_written_directly() -> None:
    file = OutputFile(os.devnull)
    file.write("x")
    file.commit()
    file.discard()
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize("path", ["missing/a", "."])
def test_path_that_cannot_be_a_file_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(UsageError, match="nothing was sent"):
        OutputFile(str(tmp_path / path))


@pytest.mark.parametrize("query", ["", "?name=é"], ids=["loopback", "httpx"])
def test_stream_that_breaks_off_is_an_error_and_no_file(
    run: Any, api: Any, tmp_path: Path, query: str
) -> None:
    api.respond(200, b"a\r\n1\r\n", "text/csv", Content_Length="100")
    result = run(f"{api.url}/{query}", "--csv", "-o", str(tmp_path / "rows.csv"))
    assert (result.code, result.out) == (5, "")
    assert not list(tmp_path.glob("*rows.csv*"))


@pytest.mark.parametrize("query", ["", "?name=é"], ids=["loopback", "httpx"])
def test_stream_is_the_file_as_it_is(run: Any, api: Any, tmp_path: Path, query: str) -> None:
    api.respond(200, b"a\r\n1\r\n", "text/csv")
    assert run(f"{api.url}/{query}", "--csv", "-o", str(tmp_path / "rows.csv")).code == 0
    assert (tmp_path / "rows.csv").read_bytes() == b"a\r\n1\r\n"


def test_colours_are_not_written_to_files(run: Any, api: Any, tmp_path: Path) -> None:
    run(api.url, "-o", str(tmp_path / "out"), FORCE_COLOR="1")
    assert (tmp_path / "out").read_text() == "[]\n"
    api.respond(200, [None])
    assert "\x1b[" in run(api.url, "-o", "-", FORCE_COLOR="1").out
