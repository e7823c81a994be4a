"""Searches by way of a search index, on both databases: what they find, and what they refuse."""

import unicodedata
from collections.abc import Iterable

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import SearchOptions
from encore.database.search_index import add_search_index
from encore.database.search_index.folding import fold
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Article(Base):
    __tablename__ = "articles"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None]
    body: Mapped[str | None] = mapped_column(sa.Text)
    label: Mapped[str | None] = mapped_column(sa.CHAR(12))
    rank: Mapped[int | None]


add_search_index(Article.__table__, ["title", "body", "label"])

PAIRS = [
    ("ABC", "abc"),
    ("ÄPFEL", "äpfel"),
    ("ÉTÉ", "été"),
    ("ÑAND\N{LATIN CAPITAL LETTER U WITH DIAERESIS}", "ñandü"),
    ("GARÇON", "garçon"),
    ("SMØRREBRØD", "smørrebrød"),
    ("ÅNGSTRÖM", "ångström"),
    ("\N{ANGSTROM SIGN}NGSTR", "ångstr"),
    ("\N{KELVIN SIGN}ELVIN", "kelvin"),
    ("STRA\N{LATIN CAPITAL LETTER SHARP S}E", "straße"),
    ("ŁÓDŹ", "łódź"),
    ("ŠKODA", "škoda"),
    ("ΣΊΣΥΦΟΣ", "σίσυφος"),
    ("ΩΜΈΓΑ", "\N{GREEK SMALL LETTER OMEGA}μέγα"),
    ("\N{OHM SIGN}ΜΈΓΑ", "ωμέγα"),
    ("МЫШЬ", "мышь"),
    ("ЯБЛОКО", "яблоко"),
    ("ЇЖАК", "їжак"),
    ("ՀԱՅԱՍՏԱՆ", "հայաստան"),
    ("ǄUNGLA", "ǆungla"),
    ("\N{LATIN CAPITAL LETTER D WITH SMALL LETTER Z WITH CARON}UNGLA", "ǆungla"),
    ("ＦＵＬＬ", "ｆｕｌｌ"),  # noqa: RUF001 - fullwidth letters are the case
    ("\N{DESERET CAPITAL LETTER LONG I}" * 3, "\N{DESERET SMALL LETTER LONG I}" * 3),
    ("Ⅷ\N{ROMAN NUMERAL TWELVE}Ⅳ", "ⅷⅻⅳ"),
    ("µ\N{GREEK SMALL LETTER MU}m", "\N{GREEK SMALL LETTER MU}µM"),
]
"""Texts whose cases are one."""

APART = [
    ("STRASSE", "straße"),
    ("İstanbul", "istanbul"),
    ("\N{LATIN SMALL LETTER DOTLESS I}rmak", "IRMAK"),
    ("été", unicodedata.normalize("NFD", "été")),
    ("ﬁnal", "final"),
    ("\N{CHEROKEE SMALL LETTER A}" * 3, "\N{CHEROKEE LETTER A}" * 3),
    ("\N{GEORGIAN MTAVRULI CAPITAL LETTER AN}" * 3, "\N{GEORGIAN LETTER AN}" * 3),
    ("\N{ADLAM CAPITAL LETTER ALIF}" * 3, "\N{ADLAM SMALL LETTER ALIF}" * 3),
]
"""The exceptions: texts that are not found under each other."""


@pytest.fixture
def articles(serve: Serve) -> ModelApi:
    return serve(Base.metadata)


def add(api: ModelApi, texts: Iterable[str | None]) -> None:
    rows = [Article(id=n, title=text) for n, text in enumerate(texts, 1)]
    api.orm(lambda session: session.add_all(rows))


def found(api: ModelApi, term: str, param: str = "q", **query: str) -> list[int]:
    response = api.get("/articles", params={param: term, "sort": "id", **query})
    assert response.status_code == 200, response.text
    return [row["id"] for row in response.json()]


def test_search_index_ignores_case_beyond_ascii_on_both_databases(
    articles: ModelApi,
) -> None:
    articles.crud.resource(Article, search=SearchOptions(index=True))
    add(articles, [text for pair in PAIRS for text in pair])
    for number, pair in enumerate(PAIRS):
        both = {2 * number + 1, 2 * number + 2}
        for term in pair:
            assert both <= set(found(articles, term)), pair


def test_search_index_distinguishes_what_one_to_one_folding_cannot_equate(
    articles: ModelApi,
) -> None:
    articles.crud.resource(Article, search=SearchOptions(index=True))
    add(articles, [text for pair in APART for text in pair])
    for number, pair in enumerate(APART):
        for offset, term in enumerate(pair, 1):
            assert found(articles, term) == [2 * number + offset], pair


def test_search_index_folds_every_letter_as_the_databases_do(articles: ModelApi) -> None:
    points = [n for n in range(1, 0x20000) if not 0xD800 <= n <= 0xDFFF]
    expected = {point: ord(fold(chr(point))) for point in points if fold(chr(point)) != chr(point)}
    if articles.is_sqlite:
        articles.sql("CREATE VIRTUAL TABLE folds USING fts5(t, tokenize = 'trigram')")
        articles.sql(
            "WITH RECURSIVE p (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM p WHERE n < 131071)"
            " INSERT INTO folds (rowid, t) SELECT n, char(n, n, n) FROM p"
            " WHERE n NOT BETWEEN 55296 AND 57343"
        )
        articles.sql("CREATE VIRTUAL TABLE terms USING fts5vocab(folds, 'instance')")
        rows = articles.sql("SELECT doc, unicode(term) FROM terms WHERE unicode(term) <> doc")
    else:
        rows = articles.sql(
            "SELECT * FROM (SELECT n, ascii(encore_fold(chr(n))) AS to_point"
            " FROM generate_series(1, 131071) AS n WHERE n NOT BETWEEN 55296 AND 57343"
            ") AS folded WHERE n <> to_point"
        )
    assert dict(rows) == expected


TEXTS: list[str | None] = [
    None,
    "",
    "ab",
    "100% sure",
    "100 percent",
    "snake_case_name",
    "snake-case-name",
    'say "hello" twice',
    "it's O'Brien",
    "back\\slash\\es",
    "a AND b OR c NOT d",
    "NEAR(a b, 5)",
    "title:body {x} ^y *z -w +v",
    "semi;colon--comment /* x */",
    "line\nbreak\ttab",
    "family \U0001f468\u200d\U0001f469\u200d\U0001f467 emoji \U0001f600\U0001f600\U0001f600",
    unicodedata.normalize("NFD", "é́té naïveté"),
    "中文字符测试",
    "...---...",
    "x" * 300,
    "null",
    "[1, 2]",
]
TERMS = [
    "100%", "%%%", "0% s", "_case_", "e_n", "e-n", '"he', '"""', "'s ", "O'B", "\\sl", "\\\\\\",
    " AND ", " OR ", "NOT", "NEAR(", "a b", "title:", "{x}", "^y ", " *z", "-w ", "+v", ":body",
    "; c", ";co", "--", "--c", "/* ", "e\nb", "k\tt", "\U0001f468\u200d\U0001f469",
    "\U0001f600\U0001f600\U0001f600", "i \U0001f600", "e\u0301\u0301", "\u0301te",
    "文字符", "符测试",
    "...", "---", ".--", "xxx", "x" * 256, "null", "[1,", "1, 2", "ABSENT", "zzz", "   ",
]  # fmt: skip


def test_search_index_takes_any_term_literally(articles: ModelApi) -> None:
    articles.crud.resource(Article, search=SearchOptions(attributes=["title"], index=True))
    add(articles, TEXTS)
    for term in TERMS:
        if len(term) < 3:
            assert articles.get("/articles", params={"q": term}).status_code == 400
            continue
        expected = [
            n for n, text in enumerate(TEXTS, 1) if text is not None and fold(term) in fold(text)
        ]
        assert found(articles, term) == expected, term


def test_search_index_of_several_columns_finds_term_in_one(articles: ModelApi) -> None:
    articles.crud.resource(
        Article,
        search=[
            SearchOptions(index=True),
            SearchOptions("titled", ["title"], index=True),
            SearchOptions("both", ["label", "title"], index=True),
        ],
    )
    rows = [
        Article(id=1, title="one two", body="three", label="four"),
        Article(id=2, title="three", body="one two", label=None, rank=7),
        Article(id=3, title=None, body="THREE", label="three"),
        Article(id=4, title="thr", body="ee", label="e thr", rank=7),
    ]
    articles.orm(lambda session: session.add_all(rows))
    assert found(articles, "three") == [1, 2, 3]
    assert found(articles, "three", "titled") == [2]
    assert found(articles, "three", "both") == [2, 3]
    assert found(articles, "three", titled="thr") == [2]
    assert found(articles, "three", rank="7") == [2]
    assert found(articles, "three", count="1", offset="1") == [2]
    assert articles.get("/articles?q=three&count=1").headers["content-range"] == "items 0-0/3"
    first = articles.get("/articles?q=three&sort=-title&count=2").json()
    assert {row["id"] for row in first} == {1, 2}


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ("a", "q must be at least 3 characters long"),
        ("äö", "q must be at least 3 characters long"),
        ("\U0001f600\U0001f600", "q must be at least 3 characters long"),
        ("abc\0", "q must not contain a NUL character"),
        ("x" * 257, "q must be at most 256 characters long, not 257"),
    ],
)
def test_search_with_too_short_term_is_400(articles: ModelApi, term: str, message: str) -> None:
    articles.crud.resource(Article, search=SearchOptions(index=True))
    response = articles.get("/articles", params={"q": term})
    assert response.status_code == 400
    assert message in response.json()["message"]
    assert articles.get("/articles?q=").status_code == 200


def test_search_index_serves_cursor_pages_and_streams(
    articles: ModelApi,
) -> None:
    articles.crud.resource(Article, search=SearchOptions(attributes=["title"], index=True))
    add(articles, [f"Prüfung {n}" if n % 3 else "other" for n in range(40)])
    expected = [n + 1 for n in range(40) if n % 3]
    got: list[int] = []
    path: str | None = "/articles?q=PRÜFUNG&count=7&sort=-title"
    while path is not None:
        response = articles.get(path)
        assert response.status_code == 200, response.text
        got += [row["id"] for row in response.json()]
        path = response.links["next"]["url"] if "next" in response.links else None
    assert sorted(got) == expected
    streamed = articles.get("/articles?q=PRÜFUNG", headers={"Accept": "application/x-ndjson"})
    assert len(streamed.text.splitlines()) == len(expected)
