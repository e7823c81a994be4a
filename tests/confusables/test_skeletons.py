"""Skeletons against ICU's, and which names may be taken for one person's."""

import json
import unicodedata
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encore.extensions import same_person, skeleton
from tests.fixtures.system import ROOT

VECTORS: Final[Path] = ROOT / "tests/data/confusables/icu-78.3.json"
names = st.text(max_size=12) | st.text("aAáаАlI1iİı0Oo \u200d\u0307\u0301ａＡm", max_size=6)


def vectors() -> list[Any]:
    rows: list[Any] = json.loads(VECTORS.read_text())
    return rows


def test_skeletons_equal_those_of_icu() -> None:
    rows = vectors()
    assert len(rows) > 1000
    assert [row[0] for row in rows if skeleton(row[0]) != row[1]] == []


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("ada", "Ada"),
        ("ada", "ADA"),
        ("ada", "ａｄａ"),
        ("ada", "ＡＤＡ"),
        ("ada", "\u0430d\u0430"),  # Cyrillic
        ("ADA", "\u0410D\u0410"),  # Cyrillic
        ("ada", "\u0410D\u0410"),
        ("ada", "\u03b1d\u03b1"),  # Greek
        ("ada", "a\u200dda"),
        ("ada", "a\u00adda"),
        ("ada", "ad\ufe0fa"),
        ("ada", "\u202eada\u202c"),
        ("ada", "ada\x00"),
        ("ada", " ada "),
        ("Ada Lovelace", "ada\u00a0\u2003lovelace"),
        ("Ada Lovelace", "ada\tlovelace"),
        ("ada", "𝐀𝐝𝐀"),
        ("ada", "ⓐⓓⓐ"),
        ("Ian", "lan"),
        ("IAN", "lan"),
        ("IAN", "1an"),
        ("ada1", "adal"),
        ("ada1", "ADAI"),
        ("bob", "\u0412\u041e\u0412"),  # Cyrillic
        ("007", "OO7"),
        ("007", "oo7"),
        ("mary", "rnary"),
        ("José", "Jose\u0301"),
        ("JOSÉ", "jose\u0301"),
        ("ian", "İan"),
        ("ian", "\u0131an"),
        ("straße", "STRASSE"),
        ("O'Brien", "O\u2019Brien"),
        ("ΣΟΦΟΣ", "σοφος"),
        ("אב12", "12אב"),
        ("אב-12", "12-אב"),
        ("סו", "lo"),  # Hebrew, from right to left.
        ("σοφος", "σοφος".replace("ς", "σ")),
    ],
)
def test_names_that_look_alike_are_one_person(a: str, b: str) -> None:
    assert same_person(a, b)
    assert same_person(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("ada", "grace"),
        ("ada", "ada2"),
        ("ada", "ada-x"),
        ("ian", "lan"),
        ("007", "008"),
        ("jose", "josé"),
        ("ada@example.com", "ada@example.org"),
        ("auth0|5f7c12", "auth0|5f7c13"),
        ("ada", "partner:ada"),
        ("Ada Lovelace", "AdaLovelace"),
        ("山田太郎", "山田花子"),
        ("אב", "בא"),
        ("אב12", "אב13"),
    ],
)
def test_names_of_different_people_differ(a: str, b: str) -> None:
    assert not same_person(a, b)


@given(names)
def test_same_person_is_reflexive(name: str) -> None:
    assert same_person(name, name)
    assert same_person(name, "".join(list(name)))


@given(names, names)
def test_same_person_is_symmetric(a: str, b: str) -> None:
    assert same_person(a, b) == same_person(b, a)


@given(names)
def test_variants_of_a_name_are_the_same_person(name: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert same_person(name, unicodedata.normalize(form, name))
    assert same_person(name, name.casefold())
    assert same_person(name, f" {name}\u200b")
    if not any(unicodedata.bidirectional(c) in ("R", "AL") for c in name):
        assert same_person(name, skeleton(name))


@given(st.text())
def test_skeleton_of_a_skeleton_is_the_same(text: str) -> None:
    assert skeleton(skeleton(text)) == skeleton(text)


@given(st.text("0123456789", min_size=1), st.text("0123456789", min_size=1))
def test_numbers_are_the_same_person_only_if_equal(a: str, b: str) -> None:
    assert same_person(a, b) == (a == b)
