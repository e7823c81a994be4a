"""Encodings: by mapping, byte order mark and media type; bytes that are invalid in them."""

import io

import pytest

from client.errors import SourceError
from client.importing.reading.text import decode_text, read_lines

TEXT = "Zoë;1\r\nJosé;2\n"


def decode(content: bytes, encoding: str = "", charset: str = "") -> list[str]:
    with decode_text(io.BytesIO(content), encoding, charset) as stream:
        return list(read_lines(stream))


@pytest.mark.parametrize(
    ("codec", "encoding", "charset"),
    [
        ("utf-8", "", ""),
        ("utf-8-sig", "", ""),
        ("utf-8-sig", "UTF8", ""),
        ("utf-8-sig", "", "cp1252"),
        ("utf-16", "", ""),
        ("utf-16", "", "utf-8"),
        ("utf-16", "utf-16", ""),
        ("utf-16", "utf-16-le", ""),
        ("utf-16-be", "utf-16-be", ""),
        ("utf-32", "", ""),
        ("cp1252", "cp1252", ""),
        ("cp1252", "", "Windows-1252"),
        ("cp1252", "cp1252", "utf-8"),
    ],
)
def test_encoding_is_of_mapping_or_mark_or_media_type(
    codec: str, encoding: str, charset: str
) -> None:
    assert "".join(decode(TEXT.encode(codec), encoding, charset)) == TEXT


@pytest.mark.parametrize(
    ("content", "encoding", "charset", "words"),
    [
        (TEXT.encode("utf-8-sig"), "cp1252", "", "the byte order mark of utf-8, but encoding"),
        (TEXT.encode("utf-16"), "utf-8", "", "the byte order mark of utf-16, but encoding"),
        (TEXT.encode("utf-16-be"), "", "", 'write encoding = "utf-16-be" in the mapping'),
        (TEXT.encode("utf-16-le"), "", "", 'write encoding = "utf-16-le" in the mapping'),
        (TEXT.encode(), "", "klingon", "The charset 'klingon' of the source is unknown"),
        (TEXT.encode(), "", "hex", "The charset 'hex' of the source is unknown"),
        (b"a\r\nb\xe9\n", "", "", "Line 2 of the source is not utf-8: byte 0xe9 is invalid there"),
        (b"a\rb\r\xe9", "", "", "Line 3 of the source is not utf-8"),
        (TEXT.encode(), "cp1252", "utf-8", 'is UTF-8, but encoding = "cp1252" in the mapping'),
        (TEXT.encode()[:-4], "ISO-8859-15", "", "is UTF-8, but"),
        (TEXT.encode(), "", "iso-8859-1", 'write encoding = "utf-8" in the mapping'),
        (b"a\n\x81\n", "cp1252", "", 'such as encoding = "utf-8"'),
        (b"\xff\xfea\0\n\0\x00\xd8b\0", "", "", "Line 2 of the source is not utf-16"),
    ],
)
def test_text_in_another_encoding_is_refused(
    content: bytes, encoding: str, charset: str, words: str
) -> None:
    with pytest.raises(SourceError) as raised:
        decode(content, encoding, charset)
    assert words in str(raised.value)


def test_lines_before_invalid_bytes_are_read() -> None:
    with decode_text(io.BytesIO(b"a\nb\n\xff\n"), "") as stream:
        lines = read_lines(stream)
        assert [next(lines), next(lines)] == ["a\n", "b\n"]
        with pytest.raises(SourceError, match="Line 3"):
            next(lines)


def test_content_stays_open() -> None:
    content = io.BytesIO(b"a")
    with decode_text(content, "") as stream:
        stream.read()
    assert not content.closed
