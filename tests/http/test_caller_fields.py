"""Issuer, subject and client in the log: plain, hashed or none, of any length and content."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encore.http.caller_fields import HASHED, MAX_CHARACTERS, NONE, CallerFields, field
from encore.http.principal import Principal
from encore.secret_key import Secret
from tests.fixtures.pages import DOCS, code_blocks

ISSUER = "https://issuer.example/"
SECRET = b"a secret of thirty-two characters or more"


def principal(subject: Any = "ada", issuer: str = ISSUER, client_id: Any = "app") -> Principal:
    return Principal(issuer, subject, client_id, is_client=False)


def hashed(subject: str, issuer: str = ISSUER, secret: bytes = SECRET) -> str:
    fields = CallerFields(HASHED, Secret(secret)).of(principal(subject, issuer))
    assert (fields[0], fields[2]) == (issuer, "app")
    assert fields[1] is not None
    return fields[1]


def test_plain_fields_are_issuer_subject_and_client() -> None:
    assert CallerFields().of(principal()) == (ISSUER, "ada", "app")
    assert CallerFields().of(principal(client_id=None)) == (ISSUER, "ada", None)


def test_subject_is_left_out_for_none() -> None:
    assert CallerFields(NONE).of(principal()) == (ISSUER, None, "app")


def test_hash_is_the_same_for_one_secret_and_differs_by_issuer_subject_and_secret() -> None:
    assert hashed("ada") == hashed("ada")
    others = {
        hashed("adb"),
        hashed("ada", "https://partner.example/"),
        hashed("ada", secret=b"x" * 32),
    }
    assert len({hashed("ada"), *others}) == 4
    assert len(hashed("ada")) == 32
    assert hashed("x" * 100_000).isalnum()


def test_hash_is_that_of_the_documented_function() -> None:
    (source,) = [text for _, text in code_blocks(DOCS / "reference/log.md", "python")]
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    assert namespace["subject_in_log"](SECRET, ISSUER, "ada") == hashed("ada")


def test_subject_is_not_logged_before_the_secret_is_known() -> None:
    class LateSecret(Secret):
        """A secret that is read later, as that of a database."""

        def __init__(self) -> None:
            super().__init__()
            self.loaded = False

        async def load(self) -> None:
            self._value, self.loaded = SECRET, True

    async def scenario() -> None:
        fields = CallerFields(HASHED, LateSecret())
        assert fields.of(principal()) == (ISSUER, None, "app")
        await asyncio.sleep(0.01)
        assert fields.of(principal()) == (ISSUER, hashed("ada"), "app")

    asyncio.run(scenario())


@pytest.mark.parametrize(("subjects", "secret"), [("plan", Secret()), (HASHED, None)])
def test_unknown_word_or_missing_secret_is_rejected(subjects: str, secret: Any) -> None:
    with pytest.raises(ValueError, match="subjects"):
        CallerFields(subjects, secret)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Zoë Müller", "Zoë Müller"),
        ("ada\r\nlevel=error", r"ada\u000d\u000alevel=error"),
        ("\x1b[31m\x7f\x9b", r"\u001b[31m\u007f\u009b"),
        ("a\u2028b\u202ec", r"a\u2028b\u202ec"),
        ("\ud800", r"\ud800"),
        ("\U000e0001", r"\udb40\udc01"),
        ("", None),
    ],
)
def test_field_is_printable(value: str, shown: str | None) -> None:
    assert field(value) == shown


@given(st.text(st.characters(), max_size=600), st.text(st.characters(), max_size=600))
def test_field_is_one_short_line_and_long_values_stay_different(one: str, other: str) -> None:
    first, second = field(one), field(other)
    for shown in (first or "", second or ""):
        assert shown.isprintable()
        assert shown.encode().decode() == shown
        assert len(shown) <= 12 * MAX_CHARACTERS
    if one != other and len(one) > MAX_CHARACTERS:
        assert first != second


@pytest.mark.parametrize("subject", [7, ["a"], {"a": 1}, 1.5])
def test_claims_of_any_type_that_another_middleware_has_set_are_shown(subject: Any) -> None:
    assert CallerFields().of(principal(subject, client_id=9)) == (ISSUER, str(subject), "9")
    assert CallerFields(HASHED, Secret(SECRET)).of(principal(subject))[1] is not None
