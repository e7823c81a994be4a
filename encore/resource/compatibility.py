"""Compatibility: where a resource behaves otherwise for clients of another API.

The option ``compatible`` becomes one frozen object at start-up; parsers, actions, plans and OpenAPI
ask it where behaviour differs. The default is strict. What Finale gets wrong
(docs/how-to/finale.md, D1 to D13) is not part of its mode.
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
    """How a resource treats what its own API would refuse, and how it answers.

    Attributes:
        ignores_members: Members of bodies that are unknown, hidden or read-only are ignored.
        ignores_parameters: Unknown query parameters of GET and HEAD are ignored.
        accepts_text: Text in a body is converted to the column's type: ``"12"`` for an integer.
        reads_forms: Bodies may be ``application/x-www-form-urlencoded``.
        preset_parameters: The query parameters that choose a preset.
        paging: The rules of ``count``, ``offset`` and ``page``, where there is pagination.
        content_range: Returns ``Content-Range`` of offset, rows and total.
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

    def answered(self, error: ApiError) -> ApiError:
        """Return the error that is answered in place of one of the engine's own."""
        if self.conflicts or not isinstance(error, Conflict):
            return error
        refusal = ValidationFailed(error.message, error.errors)
        refusal.__cause__ = error.__cause__
        return refusal


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
    """Return what the option means; a wrong value, which ``checks`` refuses, means strict."""
    return _BY_OPTION.get(option, STRICT) if isinstance(option, str) else STRICT
