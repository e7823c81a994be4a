"""Elements of an array on the path to the rows: counted, and each checked to be complete.

In ``rows = "issues.worklog.worklogs"`` the source pages the issues, so totals and offsets count
them; and each of them may have the first rows of many.
"""

from client.errors import SourceError
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.source_keys import NO_PAGING
from client.importing.reading.record import Element
from client.importing.sources.completeness import find_sign_in_element


class ElementCheck:
    """Counts the outermost elements of a page, and raises if one has more rows than are in it.

    Args:
        mapping: Its ``rows`` is the path.
    """

    def __init__(self, mapping: FieldMapping) -> None:
        self._mapping = mapping
        self._previous = 0
        self._empty = 0
        self.count = 0
        """Outermost elements of this page."""

    def __call__(self, element: Element) -> None:
        """Count an element.

        Raises:
            SourceError: It has more rows than are in it.
        """
        if element.depth == 0:
            self.count += 1
            self._empty = hash((self._empty, element.rows or repr(element.members)))
        if self._mapping.next == NO_PAGING:
            return
        sign = find_sign_in_element(element, self._mapping)
        if sign is not None:
            raise SourceError(
                f"Element {self.count} around the rows has more than the {element.rows} in it:"
                f" {sign.words}. Rows of an element cannot be requested page by page: import from a"
                " URL that has them all. If these rows are all that is meant, write"
                ' next = "none" in the mapping.'
            )

    def start_page(self) -> None:
        """Start with the next page."""
        self._previous, self._empty, self.count = self._empty, 0, 0

    @property
    def repeats_page(self) -> bool:
        """Whether the elements of this page are those of the page before, as far as is known."""
        return self.count > 0 and self._empty == self._previous
