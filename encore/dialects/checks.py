"""Start-up checks of a resource with dialects: nothing of it may be ambiguous in one of them."""

from collections.abc import Iterable, Sequence
from typing import Final

from encore.dialects.json_server import JsonServer
from encore.dialects.parser import Dialect
from encore.dialects.react_admin import SORT
from encore.errors import InvalidOption
from encore.options import UPDATE_METHODS, ResourceOptions
from encore.query.parser import QueryParser

ID: Final = "id"
"""The key of a row, as these clients name it."""


def check_dialects(
    options: ResourceOptions, dialects: Iterable[Dialect], parser: QueryParser, key: Sequence[str]
) -> None:
    """Check that the resource's clients can use its dialects.

    Args:
        options: The resource's options.
        dialects: Its dialects.
        parser: The parser of its queries.
        key: The names of the fields that the item path names.

    Raises:
        InvalidOption: They cannot; says why.
    """
    for problem in _contradictions(options):
        raise InvalidOption(problem)
    if list(key) != [ID] or ID not in parser.lookup.fields:
        raise InvalidOption(
            f"these clients need one key that is called {ID} in JSON and in the item path,"
            f" not {', '.join(key) or 'none'}"
        )
    for dialect in dialects:
        _check_names(dialect, parser)


def _contradictions(options: ResourceOptions) -> Iterable[str]:
    if not options.pagination:
        yield "contradicts pagination=False: these clients need pages and totals"
    if options.total == "none":
        yield "contradicts total='none': these clients need totals"
    if options.put_replaces:
        yield "contradicts put_replaces: these clients send some members of a row by PUT"
    if "update" in options.actions and options.update_method.upper() != UPDATE_METHODS[0]:
        yield f"contradicts update_method={options.update_method!r}: these clients send PUT"


def _check_names(client: Dialect, parser: QueryParser) -> None:
    """Raise ``InvalidOption`` for a name that has two meanings in the queries of a client."""
    fields = {name for name, _ in parser.lookup.all()}
    own = {*parser.reserved, *parser.searches}
    # Only what follows it differs: sort=["id","ASC"] is not the name of a field.
    parameters = {*client.parameters} - ({SORT} & parser.reserved)
    taken = {*parameters, *parser.searches}
    if isinstance(client, JsonServer):  # Its filters stand where our parameters do.
        taken |= parser.reserved
    for name in sorted(fields & taken):
        message = f"the field {name!r} has the name of a parameter of the lists of {client.name}"
        raise InvalidOption(f"{message}: name it otherwise in JSON, or exclude it")
    for name in sorted(own & parameters):
        raise InvalidOption(f"{name!r} is a parameter of the resource and of {client.name}")
    for name in sorted({*fields, *parser.searches}):
        for suffix, operator in client.operators.items():
            bare = name.removesuffix(suffix)
            target = None if bare == name else parser.lookup.find(bare)
            if target is not None and operator.supports(target):
                message = f"{name!r} is also {bare!r} with the operator {suffix} of {client.name}"
                raise InvalidOption(f"{message}: name it otherwise in JSON, or exclude it")
