"""The options of a resource, under the snake_case of Finale's names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from api.crud.fields import Model
from api.http.exchange import Access

ACTION_NAMES: Final = ("create", "list", "read", "update", "delete")
EVERY_ACTION: Final = "all"


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """One search parameter.

    Attributes:
        param: Its name in the query.
        attributes: The fields it looks at; empty means every text field.
    """

    param: str = "q"
    attributes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SortOptions:
    """How lists are sorted.

    Attributes:
        param: The parameter's name in the query.
        attributes: What may be sorted by; empty means every field.
        default: The order where none is asked for, in the parameter's own grammar.
    """

    param: str = "sort"
    attributes: Sequence[str] = ()
    default: str = ""


@dataclass(frozen=True, slots=True)
class ResourceOptions:
    """What ``Crud.resource`` takes.

    Attributes:
        model: The SQLAlchemy model.
        endpoints: The path of the many and the path of the one; path parameters are the columns
            that find the row. Empty means ``/parts`` and ``/parts/{id}`` of the table's name.
        actions: Which actions there are.
        pagination: Without it lists have no limit and no ``Content-Range``.
        search: The search parameters.
        sort: How lists are sorted.
        access: What each action asks of a token; ``all`` stands for those not named.
    """

    model: Model
    endpoints: Sequence[str] = ()
    actions: Sequence[str] = ACTION_NAMES
    pagination: bool = True
    search: Sequence[SearchOptions] = (SearchOptions(),)
    sort: SortOptions = SortOptions()
    access: Mapping[str, Access] = field(default_factory=dict)


class ConfigurationError(Exception):
    """A mistake in a resource's options, found at start-up; names the resource and the option."""

    def __init__(self, resource: str, option: str, text: str) -> None:
        super().__init__(f"resource {resource}: option {option}: {text}")
