"""Search."""

from typing import Final

from tests.conformance.case import Case, get

CASES: Final[tuple[Case, ...]] = (
    get("a6-default", "/users?q=ford"),
    get("a6-several-fields", "/users?q=example.com"),
    get("a6-case", "/users?q=FORD"),
    get("a6-empty", "/users?q="),
    get("a6-none", "/users?q=nothing"),
    get("a6-percent", "/users?q=%25"),
    get("a6-percent-apart", "/users?q=a%25r"),
    get("a6-underscore", "/users?q=f_rd"),
    get("a6-with-filter", "/users?q=example&active=true"),
    get("a6-with-page", "/users?q=r&count=1&offset=1"),
    get("a6-number-column", "/users?q=42"),
    get("a6-no-text", "/readings?q=1"),
    get("a6-starts-with", "/gadgets?named=ham"),
    get("a6-starts-with-case", "/gadgets?named=HAM"),
    get("a6-ends-with", "/gadgets?ending=ster"),
    get("a6-equal", "/gadgets?kind_is=tool"),
    get("a6-over", "/searched?over=10"),
    get("a6-at-least", "/searched?least=20&begins=ham"),
    get("a6-over-word", "/searched?over=cheap"),
    get("a6-without", "/searched?without=am"),
    get("a6-other", "/searched?other=tool"),
    get("a6-begins", "/searched?begins=ham"),
    get("a6-two-searches", "/gadgets?any=tool&named=s"),
    get("a6-no-q", "/gadgets?q=saw"),
    get("a6-through-relation", "/included?q=arth"),
    get("a6-repeated", "/users?q=ford&q=arthur"),
    get("a6-hidden", "/included?q=300"),
)
