"""Paging and Content-Range."""

from typing import Final

from tests.conformance.case import Case, get

CASES: Final[tuple[Case, ...]] = (
    get("a4-default", "/items"),
    get("a4-count", "/items?count=2"),
    get("a4-offset", "/items?count=2&offset=3"),
    get("a4-page", "/items?count=2&page=3"),
    get("a4-page-and-offset", "/items?count=2&page=1&offset=1"),
    get("a4-last-page", "/items?count=1000&page=1"),
    get("a4-count-zero", "/items?count=0"),
    get("a4-count-negative", "/items?count=-1"),
    get("a4-count-negative-page", "/parts?count=-1&page=1"),
    get("a4-count-word", "/items?count=abc"),
    get("a4-count-empty", "/items?count="),
    get("a4-count-fraction", "/items?count=2.5"),
    get("a4-count-1000", "/items?count=1000"),
    get("a4-count-over-1000", "/items?count=1200"),
    get("a4-past-the-end", "/parts?offset=100"),
    get("a4-offset-negative", "/parts?offset=-1"),
    get("a4-offset-word", "/parts?offset=abc"),
    get("a4-offset-huge", "/parts?offset=99999999999999999999"),
    get("a4-none-match", "/parts?name=nothing"),
    get("a4-repeated-count", "/parts?count=2&count=3"),
    get("a4-repeated-offset", "/parts?count=2&offset=1&offset=2"),
    get("a4-repeated-page", "/parts?count=2&page=1&page=2"),
    get("a4-past-the-end-page", "/parts?count=5&page=9"),
    get("a4-past-the-end-of-none", "/parts?name=nothing&offset=5"),
    get("a4-past-the-end-of-nested", "/users/1/books?offset=5"),
    get("a4-count-over-10000", "/items?count=20000"),
    get("a4-unpaged", "/unpaged"),
    get("a4-unpaged-count", "/unpaged?count=1"),
    get("a4-unpaged-offset", "/unpaged?offset=1"),
)
