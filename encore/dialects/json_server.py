"""The language of json-server 0.17, which ra-data-json-server and refine's simple-rest send.

``_start`` and ``_end``, or ``_page`` and ``_limit``, select a page, ``_sort=a,b&_order=asc,desc``
sorts, ``name=x`` filters, ``_gte``, ``_lte``, ``_ne`` and ``_like`` after a name compare. A
parameter that is given twice means either of its values (``id=1&id=2``).

What json-server ignores is rejected. Regular expressions in ``_like`` are too, unless the resource
also has the dialect of refine, whose ``contains`` sends text as it was typed.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from encore.dialects.conditions import DialectOperator, find_operator
from encore.dialects.json_server_operators import EQUALITY, LIKE, OTHERS
from encore.dialects.selection import (
    Selection,
    Window,
    check_sortable,
    embedded,
    page_window,
)
from encore.errors import InvalidQuery
from encore.query.page_parameters import MAX_OFFSET, QueryParameters
from encore.query.parameter_errors import invalid_parameter
from encore.query.parser import QueryPairs, QueryParser
from encore.query.value_parsing import ParsedCondition
from encore.suggestions import SHOWN, suggest

NAME: Final = "json-server"
START: Final = "_start"
END: Final = "_end"
PAGE: Final = "_page"
LIMIT: Final = "_limit"
SORT: Final = "_sort"
ORDER: Final = "_order"
EMBEDS: Final = ("_embed", "_expand")
PARAMETERS: Final = (START, END, PAGE, LIMIT, SORT, ORDER, *EMBEDS)

_DEFAULT_LIMIT: Final = 10
"""How many rows ``_page`` has without ``_limit``."""

_MAX_DIGITS: Final = 15
_ORDERS: Final = {"asc": "", "desc": "-"}
_OF_VERSION_1: Final[Mapping[str, str]] = {"_per_page": LIMIT, "_where": "one parameter per field"}
_OPERATOR_OF_VERSION_1: Final = re.compile(
    r"(?P<name>.+?)(?::|_)(?:eq|ne|lt|lte|gt|gte|in|contains|startsWith|endsWith)$"
)


class JsonServer:
    """The dialect for one resource.

    Args:
        parser: The parser of the resource's own queries.
        name: The name of the dialect, for messages.
        parameters: The parameters that it has.
        like: The meaning of ``_like``.

    Attributes:
        name: As given.
        parameters: As given.
        embeds: Those of them that embed relations, also in a row.
        operators: The operators by suffix.
    """

    def __init__(
        self,
        parser: QueryParser,
        name: str = NAME,
        parameters: Sequence[str] = PARAMETERS,
        like: DialectOperator = LIKE,
    ) -> None:
        self.name = name
        self.parameters = tuple(parameters)
        self.embeds = tuple(name for name in EMBEDS if name in parameters)
        self.operators = {o.suffix: o for o in (EQUALITY, *OTHERS, like)}
        self._suffixes = tuple(filter(None, self.operators))
        self._parser = parser

    def find_sign(self, pairs: QueryPairs) -> str | None:
        """Return the parameter by which a query is in this dialect; None if it is not.

        A repeated key without anything else is one, too: these clients read many rows by their
        keys (``id=1&id=2``), and expect all of them on one page.
        """
        for name, _ in pairs:
            if self._is_sign(name):
                return name
        names = {name for name, _ in pairs}
        if names == {"id"} and len(pairs) > 1 and all(map(_is_literal, pairs)):
            return "id"
        return None

    def _is_sign(self, name: str) -> bool:
        if name in self.parameters or name in _OF_VERSION_1:
            return True
        if not name.endswith(self._suffixes):
            return False
        lookup = self._parser.lookup
        if lookup.resolve(name) is not None or name in self._parser.searches:
            return False
        return find_operator(lookup, self.operators, name) is not None

    def parse(self, pairs: QueryPairs, sign: str, *, lenient: bool) -> Selection:
        """Parse a query.

        Args:
            pairs: Its names and values.
            sign: The parameter by which it is in this dialect.
            lenient: Whether to ignore unknown parameters.

        Raises:
            InvalidQuery: A parameter is unknown, belongs to another language, or is invalid.
            BadRequest: A field cannot be sorted by.
        """
        parameters: dict[str, list[str]] = {}
        for name, text in pairs:
            parameters.setdefault(name, []).append(text)
        conditions = []
        for name, texts in parameters.items():
            if name in self.parameters:
                continue
            if (condition := self._condition(name, texts)) is not None:
                conditions.append(condition)
            elif name not in self._parser.searches:
                self._check_unknown(name, sign, lenient=lenient)
        return Selection(
            tuple(conditions),
            self._order(parameters),
            self._window(parameters),
            self.parse_embed(parameters),
        )

    def _condition(self, name: str, texts: Sequence[str]) -> ParsedCondition | None:
        """Return the condition of a parameter; None if it is unknown, or an empty search."""
        parser = self._parser
        if name in parser.searches:
            text = _once(name, texts)
            return parser.search(name, text) if text else None
        found = find_operator(parser.lookup, self.operators, name)
        return None if found is None else found[1].build(name, found[0], texts)

    def _check_unknown(self, name: str, sign: str, *, lenient: bool) -> None:
        """Raise ``InvalidQuery`` for a parameter that is not to be ignored."""
        parser = self._parser
        if name in parser.reserved or parser.lookup.resolve(name) is not None:
            raise invalid_parameter(
                name, f"cannot be combined with {sign}, which is a parameter of {self.name}"
            )
        if lenient:
            return
        known = [*self.parameters, *parser.lookup.fields, *parser.searches]
        if name in _OF_VERSION_1:
            hint = f"it is one of json-server 1.0; use {_OF_VERSION_1[name]}"
        elif (match := _OPERATOR_OF_VERSION_1.fullmatch(name[:SHOWN])) and parser.lookup.find(
            match["name"]
        ):
            operators = ", ".join(filter(None, self.operators))
            hint = f"the operators of {self.name} are {operators}"
        else:
            hint = suggest(name, known)
        message = f"Unknown query parameter {name[:SHOWN]!r}: {hint}"
        raise InvalidQuery(message, [{"field": name[:SHOWN], "message": message}])

    def _order(self, parameters: QueryParameters) -> tuple[str, ...] | None:
        """Parse ``_sort=a,b`` and ``_order=asc,desc``."""
        if SORT not in parameters:
            if ORDER in parameters:
                raise invalid_parameter(ORDER, f"has a meaning only with {SORT}")
            return None
        names = _once(SORT, parameters[SORT]).split(",")
        orders = _once(ORDER, parameters[ORDER]).split(",") if ORDER in parameters else []
        if len(orders) > len(names):
            raise invalid_parameter(ORDER, f"has more values than {SORT}")
        signs = [_ORDERS.get(order.lower()) for order in orders]
        if None in signs:
            raise invalid_parameter(ORDER, f"must be {' or '.join(_ORDERS)}")
        if any(name[:1] == "-" and name[1:] in self._parser.sortable for name in names):
            raise invalid_parameter(SORT, f"must not have -, as in json-server 1.0: use {ORDER}")
        check_sortable(self._parser, names)
        signs += [""] * (len(names) - len(signs))
        return tuple(f"{sign}{name}" for sign, name in zip(signs, names, strict=True))

    def _window(self, parameters: QueryParameters) -> Window | None:
        """Parse ``_start`` and ``_end``, ``_start`` and ``_limit``, or ``_page`` and ``_limit``."""
        numbers = {
            name: _number(name, parameters[name])
            for name in (START, END, PAGE, LIMIT)
            if name in parameters and name in self.parameters
        }
        for name, others in ((PAGE, (START, END)), (END, (LIMIT,))):
            for other in others:
                if name in numbers and other in numbers:
                    raise invalid_parameter(name, f"cannot be combined with {other}")
        start = numbers.get(START, 0)
        if PAGE in numbers:
            page, limit = numbers[PAGE], numbers.get(LIMIT, _DEFAULT_LIMIT)
            if page < 1:
                raise invalid_parameter(PAGE, "must be at least 1")
            return page_window(self._parser, PAGE, (page - 1) * limit, limit)
        if END in numbers:
            if numbers[END] < start:
                raise invalid_parameter(END, f"must not be less than {START}")
            return page_window(self._parser, END, start, numbers[END] - start)
        if LIMIT in numbers:
            return page_window(self._parser, LIMIT, start, numbers[LIMIT])
        if START in numbers:
            raise invalid_parameter(START, f"has a meaning only with {END}")
        return None

    def parse_embed(self, parameters: QueryParameters) -> frozenset[str] | None:
        """Parse ``_embed=a,b`` and ``_expand=c``."""
        found = [name for name in self.embeds if name in parameters]
        if not found:
            return None
        relations: set[str] = set()
        for name in found:
            names = ",".join(parameters[name]).split(",")
            relations |= embedded(self._parser, name, names)
        return frozenset(relations)


def _is_literal(pair: tuple[str, str]) -> bool:
    """Return whether a value means the same in our language: neither null nor JSON."""
    text = pair[1]
    return text != "null" and text[:1] not in ("[", '"')


def _once(name: str, texts: Sequence[str]) -> str:
    if len(texts) > 1:
        raise invalid_parameter(name, "must be given once")
    return texts[0]


def _number(name: str, texts: Sequence[str]) -> int:
    text = _once(name, texts)
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise invalid_parameter(name, f"must be an integer between 0 and {MAX_OFFSET}")
    return int(text)
