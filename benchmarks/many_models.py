"""The shipped app with generated models beside its own; `startup.py` starts it.

``BENCH_MODELS`` says how many; with ``BENCH_RELATED=1`` each belongs to the one before it and
all relations are embedded and have paths of their own.
"""

import os
import sys
from datetime import date
from typing import Any

from sqlalchemy import Column, Date, ForeignKey, Integer, Numeric, String, Text
from sqlalchemy.orm import backref, relationship

from api import __main__ as service
from api import resources as catalog
from api.resources.timesheets import TimesheetOptions
from db.base import Base
from encore import Crud
from encore.types import Timestamps


def generated(count: int, *, related: bool) -> list[type[Base]]:
    """Make models of nine columns, or ten."""
    models: list[type[Base]] = []
    for number in range(count):
        body: dict[str, Any] = {
            "__tablename__": f"things{number}",
            "id": Column(Integer, primary_key=True),
            "name": Column(String(255), nullable=False),
            "note": Column(Text),
            "amount": Column(Integer, default=0),
            "price": Column(Numeric(10, 2)),
            "begun": Column(Date, default=date.today),
            "code": Column(String(40), unique=True),
        }
        if related and models:
            before = models[-1]
            body["before_id"] = Column("beforeId", ForeignKey(f"{before.__tablename__}.id"))
            body["before"] = relationship(before, backref=backref("afters"))
        models.append(type(f"Thing{number}", (Timestamps, Base), body))
    return models


def main() -> int:
    """Serve, as ``python -m api`` does."""
    count, related = int(os.environ["BENCH_MODELS"]), os.environ.get("BENCH_RELATED") == "1"
    own = catalog.expose

    def expose(crud: Crud, timesheets: TimesheetOptions) -> None:
        own(crud, timesheets)
        for model in generated(count, related=related):
            crud.resource(model, associations=related)

    catalog.expose = expose
    return service.main([])


if __name__ == "__main__":
    sys.exit(main())
