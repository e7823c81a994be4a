"""Text operators on columns of every text type and collation: the same rows on both databases."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tests.fixtures.models import ModelApi, Serve


def collated(name: str) -> sa.String:
    return sa.String(80, collation=name).with_variant(sa.String(80, "NOCASE"), "sqlite")


class Base(DeclarativeBase):
    pass


class Sign(Base):
    __tablename__ = "signs"

    id: Mapped[int] = mapped_column(primary_key=True)
    plain: Mapped[str | None] = mapped_column(sa.Text)
    bounded: Mapped[str | None] = mapped_column(sa.String(80))
    padded: Mapped[str | None] = mapped_column(sa.CHAR(24))
    posix: Mapped[str | None] = mapped_column(collated("C"))
    unicode: Mapped[str | None] = mapped_column(collated("ucs_basic"))


TEXTS = [
    None,
    "",
    "Straße",
    "STRASSE",
    "straSSe",
    "Äpfel",
    "äPFEL",
    "100% wool",
    "100 percent",
    "a_b",
    "a-b",
    "back\\slash",
    "ΣΊΣΥΦΟΣ",
    "İstanbul",
    "K2 is K2",
]
COLUMNS = ["plain", "bounded", "padded", "posix", "unicode"]
TERMS = ["stra", "SSE", "ße", "ä", "Ä", "äp", "ÄP", "%", "_", "\\", "ί", "Ί", "i", "k", "K", "L"]


def folded(text: str) -> str:
    """Return the text with ASCII letters in lower case, as both databases compare it."""
    return text.encode().lower().decode()


@pytest.fixture
def signs(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    rows = [Sign(id=n, **dict.fromkeys(COLUMNS, text)) for n, text in enumerate(TEXTS)]
    api.orm(lambda session: session.add_all(rows))
    api.crud.resource(Sign)
    return api


@pytest.mark.parametrize(
    ("operator", "matches"),
    [
        ("like", lambda text, term: term in text),
        ("ilike", lambda text, term: folded(term) in folded(text)),
        ("istartswith", lambda text, term: folded(text).startswith(folded(term))),
        ("iendswith", lambda text, term: folded(text).endswith(folded(term))),
    ],
)
def test_text_operator_on_every_text_type_folds_ascii_letters_only(
    signs: ModelApi, operator: str, matches: object
) -> None:
    assert callable(matches)
    for column in COLUMNS:
        for term in TERMS:
            expected = [
                n for n, text in enumerate(TEXTS) if text is not None and matches(text, term)
            ]
            query = {f"{column}__{operator}": term, "sort": "id"}
            found = signs.get("/signs", params=query)
            assert [row["id"] for row in found.json()] == expected, (column, operator, term)


def test_search_in_columns_that_ignore_case_themselves_finds_the_same(serve: Serve) -> None:
    class Own(DeclarativeBase):
        pass

    citext = postgresql.CITEXT().with_variant(sa.String(80, "NOCASE"), "sqlite")

    class Label(Own):
        __tablename__ = "labels"

        id: Mapped[int] = mapped_column(primary_key=True)
        text: Mapped[str] = mapped_column(citext)

    def extend(_: sa.Table, connection: sa.Connection, **__: object) -> None:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS citext")

    sa.event.listen(Label.__table__, "before_create", extend)
    api = serve(Own.metadata)
    api.orm(lambda s: s.add_all(Label(id=n, text=t) for n, t in enumerate(["Äpfel", "äPFEL"])))
    api.crud.resource(Label)
    for query, expected in (
        ("text__ilike=pf", [0, 1]),
        ("text__ilike=%C3%84", [0]),
        ("q=%C3%A4p", [1]),
        ("text__like=PF", [1]),
    ):
        assert [row["id"] for row in api.get(f"/labels?{query}").json()] == expected, query
