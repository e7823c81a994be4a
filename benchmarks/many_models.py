"""This service with generated models besides its own; `startup.py` runs it.

``BENCH_MODELS`` is the count of models; with ``BENCH_RELATED=1`` each belongs to the one before it,
and all relations are embedded and have nested paths.
"""

import os
import sys
from datetime import date
from typing import Any

from sqlalchemy import Column, Date, ForeignKey, Integer, Numeric, String, Text
from sqlalchemy.orm import backref, relationship

from benchmarks.extended_service import serve_with
from db.base import Base
from encore import Crud
from encore.types import Timestamps


def generate_models(count: int, *, related: bool, prefix: str = "") -> list[type[Base]]:
    """Return models of nine columns, ten if they are related; ``prefix`` begins their names."""
    models: list[type[Base]] = []
    for number in range(count):
        attributes: dict[str, Any] = {
            "__tablename__": f"{prefix}things{number}",
            "id": Column(Integer, primary_key=True),
            "name": Column(String(255), nullable=False),
            "note": Column(Text),
            "amount": Column(Integer, default=0),
            "price": Column(Numeric(10, 2)),
            "begun": Column(Date, default=date.today),
            "code": Column(String(40), unique=True),
        }
        if related and models:
            previous = models[-1]
            attributes["before_id"] = Column("beforeId", ForeignKey(f"{previous.__tablename__}.id"))
            attributes["before"] = relationship(previous, backref=backref("afters"))
        models.append(type(f"{prefix.capitalize()}Thing{number}", (Timestamps, Base), attributes))
    return models


def main() -> int:
    """Serve until SIGTERM; return the exit status."""
    related = os.environ.get("BENCH_RELATED") == "1"
    models = generate_models(int(os.environ["BENCH_MODELS"]), related=related)

    def add_resources(crud: Crud) -> None:
        for model in models:
            crud.resource(model, associations=related)

    return serve_with(add_resources)


if __name__ == "__main__":
    sys.exit(main())
