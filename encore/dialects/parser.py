"""The parser of a resource with dialects: recognises the language of a query, and parses it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from starlette.types import Scope

from encore.dialects import json_server, react_admin, refine
from encore.dialects.json_server import JsonServer
from encore.dialects.react_admin import RANGE, ReactAdmin, check_range_header
from encore.dialects.selection import list_query
from encore.http.request_body import get_header
from encore.http.short_input_cache import cache_short_inputs
from encore.query.filters import ListQuery
from encore.query.parameter_errors import invalid_parameter
from encore.query.parser import QueryParser, parse_pairs

_CACHED_QUERIES: Final = 1_024
_MAY_BE_DIALECT: Final = re.compile(rb"[%_]|filter|range|embed|sort=\[|id=")
"""Finds something in every query that is in a dialect; most others have nothing of it."""


Dialect = ReactAdmin | JsonServer
"""A dialect for one resource."""


def compile_dialects(names: Sequence[str], parser: QueryParser) -> tuple[Dialect, ...]:
    """Return the dialects of a resource; refine is a part of json-server's language."""
    dialects: list[Dialect] = []
    if react_admin.NAME in names:
        dialects.append(ReactAdmin(parser))
    if refine.NAME in names:
        whole = json_server.NAME in names
        name = f"{refine.NAME} and {json_server.NAME}" if whole else refine.NAME
        parameters = json_server.PARAMETERS if whole else refine.PARAMETERS
        dialects.append(JsonServer(parser, name, parameters, refine.LIKE))
    elif json_server.NAME in names:
        dialects.append(JsonServer(parser))
    return tuple(dialects)


class DialectParser:
    """Parses the queries of one resource, in its own language or in a dialect.

    Args:
        dialects: The dialects.
        parser: The parser of its own language.

    Attributes:
        parse: Parses the query string of a list, with a cache (``_parse_list``).
        parse_row: Parses the query string of an action on one row, with a cache (``_parse_row``).
    """

    def __init__(self, dialects: Sequence[Dialect], parser: QueryParser) -> None:
        self._dialects = tuple(dialects)
        self._parser = parser
        self.parse = cache_short_inputs(_CACHED_QUERIES)(self._parse_list)
        self.parse_row = cache_short_inputs(_CACHED_QUERIES)(self._parse_row)

    def _parse_list(self, query_string: bytes, *, lenient: bool = False) -> ListQuery:
        """Parse the query string of a list; arguments and errors as of ``QueryParser.parse``."""
        if _MAY_BE_DIALECT.search(query_string) is None:
            return self._parser.parse(query_string, lenient=lenient)
        pairs = parse_pairs(query_string)
        found = [
            (client, sign)
            for client in self._dialects
            if (sign := client.find_sign(pairs)) is not None
        ]
        if not found:
            return self._parser.parse(query_string, lenient=lenient)
        client, sign = found[0]
        for other, name in found[1:]:
            message = f"cannot be combined with {sign}, which is a parameter of {client.name}"
            raise invalid_parameter(name, f"is a parameter of {other.name} and {message}")
        return list_query(self._parser, client.parse(pairs, sign, lenient=lenient))

    def _parse_row(
        self, query_string: bytes, *, lenient: bool = False, others: tuple[str, ...] = ()
    ) -> ListQuery:
        """Parse the query string of an action on one row: relations to embed, or our own language.

        Arguments and errors as of ``QueryParser.parse_row``.
        """
        parameters: dict[str, list[str]] = {}
        for name, text in parse_pairs(query_string):
            parameters.setdefault(name, []).append(text)
        for client in self._dialects:
            sign = next((name for name in client.embeds if name in parameters), None)
            if sign is None:
                continue
            for name in parameters:
                if name not in (*client.embeds, *others) and not lenient:
                    raise invalid_parameter(
                        name,
                        f"cannot be combined with {sign}, which is a parameter of {client.name}",
                    )
            query = self._parser.parse_row(b"", others=())
            return replace(query, children=client.parse_embed(parameters))
        return self._parser.parse_row(query_string, lenient=lenient, others=others)


def check_headers(query: ListQuery, scope: Scope) -> None:
    """Raise ``InvalidQuery`` if a header contradicts a query in a dialect."""
    pagination = query.pagination
    if pagination is not None and pagination.style == RANGE:
        header = get_header(scope, b"range")
        if header is not None:
            check_range_header(header, query)
