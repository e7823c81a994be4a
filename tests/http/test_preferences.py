"""Parsing of the ``Prefer`` header (RFC 7240)."""

import pytest

from encore.http.prefer_header import is_lenient

CASES = [
    ([b"handling=lenient"], True),
    ([b"Handling = LENIENT"], True),
    ([b'handling="lenient"'], True),
    ([b"respond-async, handling=lenient;x=y"], True),
    ([b"return=minimal", b"handling=lenient"], True),
    ([b'x="a,b", handling=lenient'], True),
    ([b"handling=lenient, handling=strict"], True),
    ([b"handling=strict, handling=lenient"], False),
    ([b"handling=strict", b"handling=lenient"], False),
    ([b"handling=lenientx"], False),
    ([b"xhandling=lenient"], False),
    ([b'x="a, handling=lenient"'], False),
    ([b'x="handling=lenient"'], False),
    ([b"x;handling=lenient"], False),
    ([b"handling, handling=lenient"], False),
    ([b"handling='lenient'"], False),
    ([b'handling="lenient'], False),
    ([b"lenient"], False),
    ([b""], False),
    ([], False),
]


@pytest.mark.parametrize(("values", "expected"), CASES)
def test_is_lenient_reads_the_first_handling_preference(
    values: list[bytes], *, expected: bool
) -> None:
    assert is_lenient({"headers": [(b"prefer", value) for value in values]}) is expected
