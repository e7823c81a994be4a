"""This service with the parts a second time, at `/indexed`, searched by an index.

`tables` creates the search index and ``INDEXES``; this service's migrations have neither.
"""

import sys
from typing import Final

from sqlalchemy import Index

from benchmarks.extended_service import serve_with
from db.models.part import Part
from encore import Crud, SearchOptions

INDEXED: Final = "/indexed"
UPLOAD: Final = f"{INDEXED}/upload"
WITHOUT_INDEX: Final = "--without-index"
_UPLOAD_LIMIT: Final = 256 * 1024**2
SEARCHED: Final = ("name", "description")
INDEXES: Final = (
    # The key breaks ties: with an index on the name alone PostgreSQL sorts all rows of a name.
    Index("growth_name", Part.name, Part.id),
    Index("growth_model_number", Part.model_number),
)


def main() -> int:
    """Serve until SIGTERM; return the exit status."""
    search = SearchOptions(attributes=SEARCHED, index=WITHOUT_INDEX not in sys.argv)

    def add_resources(crud: Crud) -> None:
        parts = crud.resource(Part, endpoints=(INDEXED, f"{INDEXED}/{{id}}"), search=search)
        crud.upload(parts, natural_key=["partNumber"], limit=_UPLOAD_LIMIT)

    return serve_with(add_resources)


if __name__ == "__main__":
    sys.exit(main())
