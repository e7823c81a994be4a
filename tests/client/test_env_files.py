"""Plain lines of ``.env`` files mean what python-dotenv, the oracle here, says they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.env_files import parse_any_lines, parse_plain_lines

PLAIN = [
    "",
    "# a comment\n\nISSUER=http://localhost:3001/oauth2/default\nSCOPE=a b  \nEMPTY=\n",
    "export CLIENT_ID='a b'\n  CLIENT_SECRET=\"p$w%\" \n",
    "CLIENT_SECRET=a$b=c=\nSCOPE= a b\n",
]
NOT_PLAIN = [
    "NAME",
    "NAME =x",
    "NAME='a\nb'",
    'NAME="a\\nb"',
    "NAME=a #b",
    "NAME=a'b",
    "\ufeffNAME=a",
    "NAME=é",
    "NAME='a' b",
]
TEXT = st.text(alphabet="AB=' \"\\#$\n\t\u00e9\r\x0b%{}`", max_size=12)


@pytest.mark.parametrize("text", PLAIN)
def test_plain_file_needs_no_dotenv(text: str) -> None:
    assert parse_plain_lines(text) == parse_any_lines(text)


@pytest.mark.parametrize("text", NOT_PLAIN)
def test_any_other_file_is_left_to_dotenv(text: str) -> None:
    assert parse_plain_lines(text) is None


@given(TEXT, st.sampled_from(["A=", "A='", 'export A="', ""]))
def test_plain_lines_agree_with_dotenv_whenever_they_are_plain(text: str, prefix: str) -> None:
    settings = parse_plain_lines(prefix + text)
    if settings is not None:
        assert settings == parse_any_lines(prefix + text)
