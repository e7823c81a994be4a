"""Advisory locks, for databases with the capability ``advisory_locks``."""

from typing import Any

from sqlalchemy import ColumnElement, func


def advisory_lock(
    key: int, name: ColumnElement[str] | None = None, *, shared: bool = False
) -> ColumnElement[Any]:
    """Return the function that takes a lock until the transaction ends, waiting for it.

    Args:
        key: The number that is locked.
        name: Locks one name under that number instead; different names may share a lock, as a
            hash of 32 bits stands for each.
        shared: Other shared locks of the same key may be held at the same time.
    """
    lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
    return lock(key) if name is None else lock(key, func.hashtext(name))
