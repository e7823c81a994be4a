"""The reader of parts: the same parts in chunks of any size, and no shorter stream unnoticed."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.exporting.csv_header import split_header
from client.exporting.parts import find_boundary, read_parts
from encore.client.errors import NetworkError, UnexpectedResponseError
from encore.streams.parts import PartEncoder

CONTENTS = [b"a,b\r\n1,2\r\n", b"", b"--b\r\n--b--\r\n" * 3, b"\r\n", b"x" * 300]


def encoded() -> tuple[bytes, str]:
    """Return what the API sends, and its boundary."""
    encoder = PartEncoder("text/csv; header=present")
    parts = [
        encoder.encode(content, b'</x?cursor=a>; rel="next"' if n < 4 else None, n, n)
        for n, content in enumerate(CONTENTS)
    ]
    return b"".join([*parts, encoder.finish()]), encoder.boundary


BODY, BOUNDARY = encoded()


def chunks_of(body: bytes, sizes: list[int]) -> Iterator[bytes]:
    position = 0
    for size in sizes:
        yield body[position : position + size]
        position += size
    yield body[position:]


@given(st.lists(st.integers(0, 80), max_size=40))
def test_parts_are_the_same_in_chunks_of_any_size(sizes: list[int]) -> None:
    parts = list(read_parts(chunks_of(BODY, sizes), BOUNDARY))
    assert [part.content for part in parts] == CONTENTS
    assert [part.rows for part in parts] == [0, 1, 2, 3, 4]
    assert [part.next_url for part in parts] == ["/x?cursor=a"] * 4 + [None]
    assert [part.has_header for part in parts] == [True, False, False, False, False]


@given(st.integers(0, len(BODY) - 3))
def test_body_that_is_cut_off_anywhere_is_noticed(end: int) -> None:
    contents: list[bytes] = []
    with pytest.raises(NetworkError):
        contents.extend(part.content for part in read_parts(iter([BODY[:end]]), BOUNDARY))
    assert contents == CONTENTS[: len(contents)]


@pytest.mark.parametrize(
    "body",
    [
        b"--c\r\n",
        b"--b\r\n\r\n",
        b"--b\r\nContent-Length: -1\r\n\r\n",
        b"--b\r\nContent-Length: 1e3\r\n\r\n",
        b"--b\r\nContent-Length: 999999999999\r\n\r\n",
        b"--b\r\nContent-Length: 1\r\n\r\nab\r\n",
        b"--b\r\nContent-Length: 1\r\nLink: <\r\n\r\na\r\n",
        b"--b\r\n" + b"x" * 20_000,
    ],
)
def test_malformed_body_is_reported(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError):
        list(read_parts(iter([body]), "b"))


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("text/csv", None),
        ("", None),
        ("multipart/mixed; boundary=b", "b"),
        ('Multipart/Mixed; type="text/csv"; Boundary="a b"', "a b"),
    ],
)
def test_boundary_is_found(content_type: str, boundary: str | None) -> None:
    assert find_boundary(content_type) == boundary


def test_header_line_ends_outside_quotes() -> None:
    assert split_header(b'a,"b\r\n""c"\r\n1,2\r\n') == (b'a,"b\r\n""c"\r\n', b"1,2\r\n")
    with pytest.raises(UnexpectedResponseError):
        split_header(b'a,"b\r\n')
