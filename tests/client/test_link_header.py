"""Link headers (RFC 8288)."""

import pytest

from client.link_header import next_link


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("", None),
        (" , ", None),
        ("<a>", None),
        ("<a>; rel=prev", None),
        ("<a>; rel=next", "a"),
        ('<a>; rel="next"', "a"),
        ('<a>;rel="next";', "a"),
        ('<a> ; rel = "next"', "a"),
        ('<a>; REL="Next"', "a"),
        ('<a>; rel="prev next last"', "a"),
        ("<a>; rel=nextish", None),
        ('<a>; rev="next"', None),
        ('<a>; rel="prev"; rel="next"', None),
        ('<a>; title="x, y; rel=next"; rel="prev"', None),
        (r'<a>; title="\"<b>; rel=next"; rel="prev"', None),
        ('<a,b;c>; rel="next"', "a,b;c"),
        ('<a>; rel="prev",<b>; rel="next"', "b"),
        (',<a>; rel="prev", , <b>; rel="next",', "b"),
        ('<a>; rel="next", <a>; rel="next"', "a"),
        ("<a>; crossorigin; rel=next", "a"),
        ("<a>; title*=UTF-8''a%20b; rel=\"next\"", "a"),
        ('<a>; rel="next"; anchor="#part"', None),
    ],
)
def test_next_link_of_header(header: str, target: str | None) -> None:
    assert next_link(header) == target


@pytest.mark.parametrize(
    "header",
    ["a", '<a; rel="next"', '<a> rel="next"', '<a>; rel="next', '<a>; rel="next" <b>'],
)
def test_malformed_header_raises(header: str) -> None:
    with pytest.raises(ValueError, match="malformed"):
        next_link(header)


def test_two_next_pages_raise() -> None:
    with pytest.raises(ValueError, match="two next pages"):
        next_link('<a>; rel="next", <b>; rel="next"')
