"""The header ``Idempotency-Key``: a String of RFC 9651, or a bare key."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from encore.errors import BadRequest
from encore.idempotency.key import find_key, parse_key

VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
PRINTABLE = f" {VISIBLE}"
MAX = 255


def parse_string(text: str) -> str:
    """Parse a String by the algorithm of RFC 9651, section 4.2.5; nothing may follow it.

    Raises:
        ValueError: It is none.
    """
    rest, parsed = list(text), ""
    if not rest or rest.pop(0) != '"':
        raise ValueError("no opening quotation mark")
    while rest:
        char = rest.pop(0)
        if char == "\\":
            if not rest or rest[0] not in '"\\':
                raise ValueError("an escape of another character")
            parsed += rest.pop(0)
        elif char == '"':
            if rest:
                raise ValueError("something follows")
            return parsed
        elif not " " <= char <= "~":
            raise ValueError("a character that is not printable")
        else:
            parsed += char
    raise ValueError("no closing quotation mark")


def expected_key(value: bytes) -> str | None:
    """Return the key that a value means, by the draft and the rule for bare keys; None if none."""
    text = value.decode("latin-1").strip(" \t")
    if text.startswith('"'):
        try:
            text = parse_string(text)
        except ValueError:
            return None
    elif any(char not in VISIBLE for char in text):
        return None
    return text if 1 <= len(text) <= MAX else None


def parsed(value: bytes) -> str | None:
    """Return the key that the library reads from a value; None if it rejects the value."""
    try:
        return parse_key(value)
    except BadRequest:
        return None


def quoted(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


NEAR_GRAMMAR = st.text('"\\ ;=a,\té\x7f' + string.digits, max_size=12)
LONG = st.integers(250, 260).map(lambda n: "k" * n)


@given(st.one_of(NEAR_GRAMMAR, NEAR_GRAMMAR.map(lambda t: f'"{t}"'), LONG, LONG.map(quoted)))
@example('"a";b=1')
@example('"a", "b"')
@example("  k\t")
@example('"\\a"')
@example('""')
def test_value_means_what_the_grammar_says(text: str) -> None:
    value = text.encode("latin-1")
    assert parsed(value) == expected_key(value)


@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_or_rejected(value: bytes) -> None:
    assert parsed(value) == expected_key(value)


@given(st.text(VISIBLE, min_size=1, max_size=MAX).filter(lambda key: key[0] != '"'))
def test_quoted_and_bare_forms_mean_the_same_key(key: str) -> None:
    assert parse_key(key.encode()) == parse_key(quoted(key).encode()) == key


@given(st.text(PRINTABLE, min_size=1, max_size=MAX))
def test_every_printable_key_has_a_quoted_form(key: str) -> None:
    assert parse_key(quoted(key).encode()) == key


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ([], None),
        ([(b"x-idempotency-key", b"k")], None),
        ([(b"accept", b"*/*"), (b"idempotency-key", b'"k"')], "k"),
    ],
)
def test_header_is_found_by_its_name(headers: list[tuple[bytes, bytes]], key: str | None) -> None:
    assert find_key({"headers": headers}) == key
