"""The value of ``Content-Range`` for a page of rows (RFC 9110, 14.4; the unit is Finale's)."""


def content_range(offset: int, rows: int, total: int) -> str:
    """Return the value for a page: ``items 0-99/1200``.

    A page behind the last row is unsatisfied: ``items */7``. An empty list stays ``items 0-0/0``,
    as in Finale.

    Args:
        offset: How many rows come before the page.
        rows: How many rows the page has.
        total: How many rows the list has.
    """
    if rows:
        return f"items {offset}-{offset + rows - 1}/{total}"
    return f"items */{total}" if total else "items 0-0/0"


def finale_content_range(offset: int, rows: int, total: int) -> str:
    """Return the value in Finale's form: ``items 100-99/7`` behind the last row."""
    if rows or not offset:
        return content_range(offset, rows, total)
    return f"items {offset}-{offset - 1}/{total}"


def content_range_without_total(offset: int, rows: int) -> str:
    """Return the value where the total is unknown: ``items 0-99/*``.

    ``rows`` must not be 0: RFC 9110 has no form for an empty page of unknown length.
    """
    return f"items {offset}-{offset + rows - 1}/*"
