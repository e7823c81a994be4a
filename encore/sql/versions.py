"""Row versions: what an UPDATE sets a ``version_id_col`` to.

SQL counts it, so that concurrent statements on one row are all counted. Which columns SQL counts is
decided by ``MappedClass.version``; all others are left to ORM sessions.
"""

from typing import Any

from sqlalchemy import Column, ColumnElement

from encore.models.mapped_class import MappedClass, Model


def next_version(mapped: MappedClass) -> dict[Column[Any], ColumnElement[Any]]:
    """Return what each UPDATE of a row sets besides its values; empty without a version."""
    column = mapped.version
    return {} if column is None else {column: column + 1}


def version_increment(model: Model) -> dict[Column[Any], ColumnElement[Any]]:
    """Return the next version of a row, for an UPDATE that a service writes by itself.

    Every UPDATE of a model with a ``version_id_col`` must count it. The resource's own statements
    do; others set the value that this function returns, by its column::

        update(Timesheet).values({"status": "approved", **version_increment(Timesheet)})

    Raises:
        TypeError: The model has no ``version_id_col``, or SQL cannot count it.
    """
    increment = next_version(MappedClass(model))
    if not increment:
        raise TypeError(f"{model.__name__} has no version_id_col that is counted from 1")
    return increment
