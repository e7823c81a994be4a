"""Sort."""

from typing import Final

from tests.conformance.case import Case, get

CASES: Final[tuple[Case, ...]] = (
    get("a7-ascending", "/users?sort=username"),
    get("a7-descending", "/users?sort=-username"),
    get("a7-two", "/gadgets?sort=-price,name"),
    get("a7-nulls", "/users?sort=age"),
    get("a7-nulls-descending", "/users?sort=-age"),
    get("a7-unknown", "/users?sort=colour"),
    get("a7-several-unknown", "/users?sort=-colour,username,shape"),
    get("a7-not-allowed", "/gadgets?sort=kind"),
    get("a7-hidden", "/gadgets?sort=secret"),
    get("a7-empty", "/users?sort="),
    get("a7-minus", "/users?sort=-"),
    get("a7-plus", "/users?sort=+age"),
    get("a7-default", "/gadgets"),
    get("a7-over-default", "/gadgets?sort=name"),
    get("a7-empty-over-default", "/gadgets?sort="),
    get("a7-other-parameter", "/slim-books?order=-id"),
    get("a7-through-relation", "/slim-books?order=author.username,id"),
    get("a7-through-relation-refused", "/users?sort=profile.nickname"),
    get("a7-repeated", "/users?sort=age&sort=username"),
    get("a7-none", "/books"),
)
