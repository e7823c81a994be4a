"""Compatibility: where a resource behaves differently for clients of another API.

The option ``compatible`` becomes one frozen object at start-up; parsers, actions, pipelines and
OpenAPI read it where behaviour differs. The default is strict. Finale's defects
(docs/how-to/finale.md, D1 to D13) are not part of its mode.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from encore.errors import ApiError, Conflict, ValidationFailed
from encore.options import COMPATIBLE, NESTED_ARRAYS
from encore.pages.content_range import content_range, finale_content_range
from encore.query.page_parameters import PAGING, PagingRules
from encore.query.parser import PRESET

_FINALE_MOST_ROWS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Compatibility:
    """How a resource treats requests that are invalid in its own API, and how it responds.

    Attributes:
        ignores_members: Whether unknown, hidden and read-only members of bodies are ignored.
        ignores_parameters: Whether unknown query parameters of GET and HEAD are ignored.
        accepts_text: Whether strings in a body are converted to the column's type, such as
            ``"12"`` to an integer.
        reads_forms: Whether bodies may be ``application/x-www-form-urlencoded``.
        preset_parameters: The query parameters that choose a preset.
        paging: The rules of ``count``, ``offset`` and ``page``, if lists are paginated.
        content_range: Returns the value of ``Content-Range`` for an offset, a number of rows and
            the total.
        conflicts: Whether conflicts are 409; they are 400 otherwise.
        nested_arrays: The default of the option of this name.
    """

    ignores_members: bool = False
    ignores_parameters: bool = False
    accepts_text: bool = False
    reads_forms: bool = False
    preset_parameters: tuple[str, ...] = (PRESET,)
    paging: PagingRules = PAGING
    content_range: Callable[[int, int, int], str] = content_range
    conflicts: bool = True
    nested_arrays: str = NESTED_ARRAYS[0]

    def convert_error(self, error: ApiError) -> ApiError:
        """Return the error that the other API has for one of the engine's."""
        if self.conflicts or not isinstance(error, Conflict):
            return error
        converted = ValidationFailed(error.message, error.errors)
        converted.__cause__ = error.__cause__
        return converted


STRICT: Final = Compatibility()
FINALE: Final = Compatibility(
    ignores_members=True,
    ignores_parameters=True,
    accepts_text=True,
    reads_forms=True,
    preset_parameters=(PRESET, "scope"),
    paging=PagingRules(max_count=_FINALE_MOST_ROWS, lenient=True),
    content_range=finale_content_range,
    conflicts=False,
    nested_arrays="ignore",
)
_BY_OPTION: Final[Mapping[str | None, Compatibility]] = dict(
    zip(COMPATIBLE, (STRICT, FINALE), strict=True)
)


def compatibility_of(option: object) -> Compatibility:
    """Return the compatibility of an option's value; ``option_checks`` rejects invalid values."""
    return _BY_OPTION.get(option, STRICT) if isinstance(option, str) else STRICT
